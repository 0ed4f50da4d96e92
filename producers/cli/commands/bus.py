"""`snapline events`, `publish` and `dead-letters`: the bus by hand."""

import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import ValidationError

from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.render import Output, Row, show
from schemas import events as e
from schemas.errors import Invalid, NotFound
from workers.adapters import broker
from workers.adapters.broker import DeadLetter

events = typer.Typer(no_args_is_help=True, help="The event log.")
dead_letters = typer.Typer(no_args_is_help=True, help="Messages that could not be handled.")
SOURCE = "snapline/cli"
Queue = Annotated[str, typer.Argument(help="The queue that they were for.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one; may be repeated.")]
All = Annotated[bool, typer.Option("--all", help="All of the queue's.")]


@events.command("tail")
def tail(
    start: Annotated[str, typer.Option("--from", help="`first`, `next`, or an RFC 3339 time.")] = "next",
    type_: Annotated[str, typer.Option("--type", help="Only types like this, such as `backup.*`.")] = "*",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with what is to come.")] = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print events: a line each, or with `-o json` a JSON object each."""
    idle = None if follow else timedelta(seconds=2)
    for logged in broker.read_log(context.url(), since=_since(start), idle=idle):
        if fnmatch(logged.event.type, type_) or fnmatch(logged.event.type.rpartition(".")[0], type_):
            _print(logged.event, output)


def publish(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Event type, such as backup.requested.v1.")],
    file: Annotated[str, typer.Option("--file", "-f", help="The event's data, JSON or YAML; `-` is standard input.")],
    event_id: Annotated[str | None, typer.Option("--id", help="The event's id.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Publish one event. Workers accept internal events from inside only."""
    kind = e.kind_of(type_)
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        data = kind.model_validate(yaml.safe_load(text) or {})
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (ValidationError, yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is no data of {type_}: {e.explain(error)}") from error
    chosen = event_id or (str(uuid.uuid4()) if type_ in e.REQUESTS else data.event_id)
    publisher = broker.Publisher(context.url(), SOURCE)
    publisher.publish(e.wrap(data, id=chosen, source=SOURCE, time=datetime.now(UTC)))
    publisher.close()
    show({"id": chosen, "type": type_}, output)


@dead_letters.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """All dead letters, with the reasons."""
    found = broker.list_dead_letters(context.url(), queue)
    show([_row(letter) for letter in found], output, ("queue", "id", "type", "size", "parked_at", "reason"))


@dead_letters.command("show")
def show_(
    queue: Queue, letter_id: Annotated[str, typer.Argument(help="Its id.")], output: OutputOption = Output.TABLE
) -> None:
    """One dead letter, with its body."""
    for letter in broker.list_dead_letters(context.url(), queue):
        if letter.id == letter_id:
            show(_row(letter) | {"body": letter.body.decode(errors="replace")[:10_000]}, output)
            return
    raise NotFound(f"there is no dead letter {letter_id} on {queue}; `snapline dead-letters list` lists them")


@dead_letters.command("redrive")
def redrive(queue: Queue, ids: Ids = None, everything: All = False, output: OutputOption = Output.TABLE) -> None:
    """Give dead letters back to their queue."""
    show({"queue": queue, "redriven": broker.redrive(context.url(), queue, _chosen(ids, everything))}, output)


@dead_letters.command("drop")
def drop(queue: Queue, ids: Ids = None, everything: All = False, output: OutputOption = Output.TABLE) -> None:
    """Throw dead letters away."""
    show({"queue": queue, "dropped": broker.drop(context.url(), queue, _chosen(ids, everything))}, output)


def _chosen(ids: list[str] | None, everything: bool) -> set[str] | None:
    if bool(ids) == everything:
        raise Invalid("choose dead letters with --id, or all of them with --all")
    return None if everything else set(ids or [])


def _row(letter: DeadLetter) -> Row:
    fields = ("queue", "id", "type", "reason", "sender", "parked_at", "size")
    return {name: getattr(letter, name) for name in fields}


def _since(text: str) -> broker.Since:
    if text == "first":
        return "first"
    if text == "next":
        return "next"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r:.60} is neither `first`, `next` nor an RFC 3339 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _print(event: e.AnyEvent, output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps(json.loads(e.encode(event))), flush=True)  # noqa: T201
    elif output is Output.YAML:
        print("---\n" + yaml.safe_dump(json.loads(e.encode(event)), sort_keys=False), end="", flush=True)  # noqa: T201
    else:
        said = {key: value for key, value in event.data.model_dump().items() if value not in (None, "", [])}
        line = " ".join(f"{key}={value}" for key, value in said.items())
        print(f"{event.time:%Y-%m-%d %H:%M:%S}  {event.type:<32} {line}", flush=True)  # noqa: T201
