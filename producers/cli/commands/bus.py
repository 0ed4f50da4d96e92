"""`snapline events`, `publish` and `dead-letters`: the bus by hand."""

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from producers.actions import events as actions
from producers.cli import rows
from producers.cli.context import OutputOption, session_of, typed_in
from producers.cli.render import Output, printable, show
from schemas import events as e
from schemas.errors import Invalid, NotFound

if TYPE_CHECKING:
    from workers.adapters.broker import Logged, Since

events = typer.Typer(no_args_is_help=True, help="The event log.")
dead_letters = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")
Queue = Annotated[str, typer.Argument(help="The queue that they were for.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one; may be repeated.")]
All = Annotated[bool, typer.Option("--all", help="All of the queue's.")]


@events.command("tail")
def tail(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", help="`first`, `next`, or an RFC 3339 time.")] = "next",
    type_: Annotated[str, typer.Option("--type", help="Only types like this, such as `backup.*`.")] = "*",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with what is to come.")] = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print events: a line each, or with `-o json` a JSON object each."""
    idle = None if follow else timedelta(seconds=2)
    for logged in session_of(ctx).bus.read_log(_since(start), idle=idle):
        if fnmatch(logged.event.type, type_) or fnmatch(logged.event.type.rpartition(".")[0], type_):
            print_event(logged, output)


def publish(
    ctx: typer.Context,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Event type, such as backup.requested.v1.")],
    file: Annotated[
        str,
        typer.Option("--file", "-f", help="The event's data, or a whole event, JSON or YAML; `-` is standard input."),
    ],
    event_id: Annotated[str | None, typer.Option("--id", help="The event's id.")] = None,
    sign_with: Annotated[
        Path | None, typer.Option("--sign-with", metavar="FILE", help="Sign it with this Ed25519 key, a PEM file.")
    ] = None,
    key_id: Annotated[str, typer.Option(help="As what that key is trusted; else the file's name without `.pem`.")] = "",
    audience: Annotated[str, typer.Option(help="Whom the signature is for (SNAPLINE_SIGNATURE_AUDIENCE there).")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Publish one event. Workers accept internal events from inside only."""
    e.kind_of(type_)  # before standard input is waited for
    signer = _signer(sign_with, key_id, audience)
    said = _data(file)
    published = actions.publish(session_of(ctx), type_, said, id=event_id, signer=signer)
    show({"id": published.id, "type": type_, "read_as": "event" if actions.is_whole(said) else "data"}, output)


@dead_letters.command("list")
def list_(
    ctx: typer.Context,
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """All dead letters, with the reasons."""
    found = session_of(ctx).bus.dead_letters(queue)
    show([rows.dead_letter(letter) for letter in found], output, rows.DEAD_LETTER_COLUMNS)


@dead_letters.command("show")
def show_(
    ctx: typer.Context,
    queue: Queue,
    letter_id: Annotated[str, typer.Argument(help="Its id.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """One dead letter, with its body."""
    letter = actions.dead_letter(session_of(ctx), queue, letter_id)
    show(rows.dead_letter(letter) | {"body": letter.body.decode(errors="replace")[:10_000]}, output)


@dead_letters.command("redrive")
def redrive(
    ctx: typer.Context, queue: Queue, ids: Ids = None, everything: All = False, output: OutputOption = Output.TABLE
) -> None:
    """Give dead letters back to their queue."""
    count = actions.redrive(session_of(ctx), queue, _chosen(ids, everything))
    show({"queue": queue, "redriven": count}, output)


@dead_letters.command("drop")
def drop(
    ctx: typer.Context, queue: Queue, ids: Ids = None, everything: All = False, output: OutputOption = Output.TABLE
) -> None:
    """Throw dead letters away."""
    count = actions.drop(session_of(ctx), queue, _chosen(ids, everything))
    show({"queue": queue, "dropped": count}, output)


def _signer(file: Path | None, key_id: str, audience: str) -> actions.Signer | None:
    """Raises NotFound, Invalid."""
    if file is None:
        if key_id or audience:
            raise Invalid("--key-id and --audience say more of a signature; give the key with --sign-with")
        return None
    try:
        return actions.Signer(key_id or file.stem, file.read_bytes(), audience)
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except OSError as error:
        raise Invalid(f"could not read the key in {file}: {error.strerror}") from error


def _data(file: str) -> object:
    """What is in a file of JSON or YAML."""
    try:
        return yaml.safe_load(typed_in() if file == "-" else Path(file).read_text())
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise Invalid(f"{file} is neither JSON nor YAML: {e.explain(error)}") from error


def _chosen(ids: list[str] | None, everything: bool) -> set[str] | None:
    if bool(ids) == everything:
        raise Invalid("choose dead letters with --id, or all of them with --all")
    return None if everything else set(ids or [])


def _since(text: str) -> "Since":
    if text == "first":
        return "first"
    if text == "next":
        return "next"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r:.60} is neither `first`, `next` nor an RFC 3339 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def print_event(logged: "Logged", output: Output) -> None:
    """A line, or an object."""
    event, sender = logged.event, logged.sender
    if output in (Output.JSON, Output.YAML):
        print_document(_plain(logged), output)
    else:
        said = {key: value for key, value in event.data.model_dump().items() if value not in (None, "", [])}
        line = " ".join(f"{key}={value}" for key, value in said.items())
        time = f"{event.time:%Y-%m-%d %H:%M:%S}" if _has_time(logged) else f"{'no time':19}"
        shown = f"{time}  {event.type:<32} {sender or '?':<12} {line}".replace("\n", " ")
        print(printable(shown), flush=True)  # noqa: T201


def print_document(said: dict[str, object], output: Output) -> None:
    """One of many: a line of JSON, or a YAML document."""
    if output is Output.YAML:
        print("---\n" + yaml.safe_dump(said, sort_keys=False), end="", flush=True)  # noqa: T201
    else:
        print(json.dumps(said, default=datetime.isoformat), flush=True)  # noqa: T201


def _plain(logged: "Logged") -> dict[str, object]:
    said: dict[str, object] = {**json.loads(e.encode(logged.event)), "sender": logged.sender}
    return said if _has_time(logged) else {name: value for name, value in said.items() if name != "time"}


def _has_time(logged: "Logged") -> bool:
    """An event need not say when it was; then the time of reading stands in it, which says nothing."""
    return "time" in logged.event.model_fields_set
