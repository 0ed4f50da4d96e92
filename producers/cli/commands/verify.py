"""`snapline verify`: has a backup read back."""

from enum import StrEnum
from typing import Annotated

import typer

from producers.actions import verification
from producers.actions.jobs import Requested
from producers.cli.bars import work_bar
from producers.cli.context import DestinationOption, OutputOption, note, notes, session_of, where
from producers.cli.exits import Exit
from producers.cli.follow import warn_if_nobody_listens
from producers.cli.reach.here import Here
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, show
from producers.session import Session
from schemas import events as e
from schemas.events import THE_DEFAULT
from schemas.ttl import length


class Depth(StrEnum):
    """As `schemas.events.Depth`."""

    STRUCTURE = "structure"
    SAMPLE = "sample"
    FULL = "full"


def verify(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a backup; without one, the newest good one.")] = "",
    app: Annotated[str | None, typer.Option(help="Without a name: the newest of this application.")] = None,
    depth: Annotated[
        Depth, typer.Option(help="Whether all is there; a part of the contents, then the next; every byte.")
    ] = Depth.FULL,
    within: Annotated[str, typer.Option(help="In which time samples are to cover everything.")] = "30d",
    follow: Annotated[bool, typer.Option("--wait", help="Wait for what was found.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="With --wait: seconds to wait for; 0 is for ever.")] = 0,
    request_id: Annotated[str | None, typer.Option("--id", help="Event id of the request.")] = None,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Have a backup read back by the workers, and keep what was found. Exits with 1 if something is damaged."""
    session = session_of(ctx)
    requested = verification.verify(
        session, name, app=app, depth=depth.value, within=length(within), destination=destination, id=request_id
    )
    warn_if_nobody_listens(Here(session), "repository.maintain")
    if follow:
        _answered(session, requested, timeout, output)
        return
    show({"request": requested.event.id, "name": name, "status": "Requested"}, output)
    if name:
        note(f"`snapline describe backup {name}{where(destination)}` shows what was found")


def _answered(session: Session, requested: Requested, timeout: float, output: Output) -> None:
    with work_bar(notes) as bar:
        found = verification.verification(session, requested, patience=timeout or None, progress=bar)
    if found is None:
        note(f"it has not ended after {timeout:g} s; it goes on")
        raise typer.Exit(Exit.TIMED_OUT)
    say = with_remedy if output is Output.TABLE else str
    failed = isinstance(found, e.BackupVerificationFailed)
    status = "VerificationFailed" if failed else "Verified"
    show(
        {"name": found.backup, "status": status, "depth": found.depth, "problems": [say(p) for p in found.problems]},
        output,
    )
    if failed:
        raise typer.Exit(Exit.FAILED)
