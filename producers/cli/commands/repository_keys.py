"""`snapline repository init` and `repository key`: who can open it. Passphrases come on standard input."""

import sys
from typing import Annotated

import typer

from producers.cli.context import DestinationOption, OutputOption, note, session_of, typed_in
from producers.cli.render import Output, show
from schemas.errors import Invalid
from schemas.events import THE_DEFAULT

# The actions are imported when one is called: the repository's code takes a third of a second.

keys = typer.Typer(no_args_is_help=True, help="The passphrases that open the repository.")
Label = Annotated[str, typer.Option(help="Whose it is; anybody who can list the bucket can read this.")]


def init(ctx: typer.Context, destination: DestinationOption = THE_DEFAULT, output: OutputOption = Output.TABLE) -> None:
    """Make the repository if there is none, and show its recovery text, once."""
    from producers.actions import keys as actions

    text = actions.show_recovery_text(session_of(ctx), destination)
    note("keep this text where no passphrase is needed: it opens the repository when all keys are lost")
    show({"recovery_text": text}, output)


@keys.command("list")
def list_(
    ctx: typer.Context, destination: DestinationOption = THE_DEFAULT, output: OutputOption = Output.TABLE
) -> None:
    """The keys, without their secrets."""
    from producers.actions import keys as actions

    found = actions.listed(session_of(ctx), destination)
    rows = [{"id": each.id, "label": each.label, "created_at": each.created} for each in found]
    show(rows, output, ("id", "label", "created_at"))


@keys.command("add")
def add_(
    ctx: typer.Context,
    label: Label = "",
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Another passphrase, given on standard input."""
    from producers.actions import keys as actions

    show({"id": actions.add(session_of(ctx), _new_passphrase(), label, destination)}, output)


@keys.command("remove")
def remove_(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a passphrase away; the last one stays."""
    from producers.actions import keys as actions

    actions.remove(session_of(ctx), id_, destination)
    show({"removed": id_}, output)


@keys.command("rotate")
def rotate_(
    ctx: typer.Context,
    label: Label = "",
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """A new passphrase, given on standard input, in place of the destination's."""
    from producers.actions import keys as actions

    rotated = actions.rotate(session_of(ctx), _new_passphrase(), label, destination)
    if rotated.is_stored:
        note("the destination has the new passphrase; the workers take it up by themselves")
    else:
        note(
            "now give it to the workers where they have it from: SNAPLINE_PASSPHRASE, or what the destination refers to"
        )
    show({"id": rotated.id}, output)


@keys.command("recover")
def recover_(
    ctx: typer.Context,
    label: Label = "recovered",
    plain_records: Annotated[
        bool, typer.Option("--plain-records", help="Believe records that are not sealed: for one of format 1.")
    ] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """A key for the destination's passphrase by the recovery text, which comes on standard input."""
    from producers.actions import keys as actions

    text = typer.prompt("Recovery text", hide_input=True, err=True) if sys.stdin.isatty() else typed_in()
    made = actions.recover(session_of(ctx), text, label, destination, plain_records=plain_records)
    show({"id": made}, output)


def _new_passphrase() -> str:
    if sys.stdin.isatty():
        given: str = typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
        return given
    first, _, _ = typed_in().partition("\n")
    if not first:
        raise Invalid("there is no new passphrase on standard input")
    return first
