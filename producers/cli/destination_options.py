"""How a destination is stored, whatever its provider: the options that all share, and the trial before it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from producers.actions import destinations as actions
from producers.cli import rows
from producers.cli.context import note
from producers.cli.given_secrets import SEEN
from producers.cli.render import Output, show
from producers.session import Session
from producers.views import destinations as views
from schemas.destination import Destination
from schemas.errors import Code, Invalid

NameOption = Annotated[str, typer.Option(help="Name of the destination.")]
Bucket = Annotated[str | None, typer.Option(help="Name of the bucket.")]
Prefix = Annotated[str | None, typer.Option("--prefix", "--path", help="Prefix of all keys.")]
Region = Annotated[str | None, typer.Option(help="Region of the bucket; us-east-1 at first.")]
AccessKey = Annotated[str | None, typer.Option("--access-key-id", help="Access key.")]
SecretKey = Annotated[str | None, typer.Option("--secret-access-key", help=f"Secret key: {SEEN}.")]
CaCert = Annotated[
    Path | None, typer.Option("--cacert", exists=True, dir_okay=False, help="PEM file of the server's authorities.")
]
NoCheck = Annotated[
    bool, typer.Option("--no-check", "--skip-validation", help="Store it without trying it. Nobody knows if it works.")
]
ForceReset = Annotated[
    bool,
    typer.Option("--force-reset", help="For users of KOTS, which then empties the directory: here nothing is deleted."),
]
Force = Annotated[bool, typer.Option("--force", help="Also while jobs run in the place that it has now.")]


@dataclass(frozen=True)
class How:
    """How a destination is stored: untried, over jobs that run, and how that is printed."""

    no_check: bool
    force: bool
    output: Output


def stored(session: Session, destination: Destination, how: How) -> None:
    """Tries it, and only then stores it. Raises what is wrong with it; then nothing is stored."""
    if not how.force:
        actions.may_be_replaced(session, destination)
    if how.no_check:
        show(views.fields(destination), how.output)
        note("it was not tried")
    else:
        tried(session, destination, how.output)
    actions.keep(session, destination)
    note(f"destination {destination.name} is stored")
    if views.is_given(session.settings, destination.name):
        note("but here the environment gives another one, which counts before it")


def tried(session: Session, destination: Destination, output: Output) -> None:
    """Shows what was tried of it, line by line. Raises what is wrong, if anything is."""
    checks = list(actions.try_out(session, destination))
    show([rows.check(each) for each in checks], output)
    for each in checks:
        if each.error is not None:
            raise each.error
        if not each.ok:
            raise Invalid(f"it does not {each.check}: {each.detail}", code=Code.STORE_UNSUITABLE)
    if any(each.detail == actions.NO_REPOSITORY_YET for each in checks):
        note("there is no repository yet: `snapline repository init`, or the first backup, makes it")
