"""`snapline copy`: has a backup copied to another destination."""

from typing import Annotated

import typer

from producers.actions import copies
from producers.actions.jobs import Requested
from producers.cli.bars import work_bar
from producers.cli.context import OutputOption, named, note, notes, session_of, where
from producers.cli.exits import Exit
from producers.cli.follow import warn_if_nobody_listens
from producers.cli.reach.here import Here
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, show
from producers.session import Session
from schemas import events as e
from schemas.events import THE_DEFAULT


def copy(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the backup.")],
    to: Annotated[str, typer.Option("--to", callback=named, help="Storage destination to copy it to.")],
    destination: Annotated[
        str,
        typer.Option(
            "--from", "--destination", callback=named, help="Where the backup is; without it, in the default one."
        ),
    ] = THE_DEFAULT,
    follow: Annotated[bool, typer.Option("--wait", help="Wait until it is there, with live progress.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="With --wait: seconds to wait for; 0 is for ever.")] = 0,
    request_id: Annotated[str | None, typer.Option("--id", help="Event id of the request.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Copy a backup to another destination. Only what is missing there is moved; the copy lives by itself."""
    session = session_of(ctx)
    requested = copies.copy(session, name, to, destination=destination, id=request_id)
    warn_if_nobody_listens(Here(session), "repository.maintain")
    if follow:
        _answered(session, requested, timeout, output)
        return
    show({"request": requested.event.id, "name": name, "status": "Requested"}, output)
    note(f"`snapline describe backup {name}{where(destination)}` shows how far it is")


def _answered(session: Session, requested: Requested, timeout: float, output: Output) -> None:
    with work_bar(notes) as bar:
        found = copies.copied(session, requested, patience=timeout or None, progress=bar)
    if found is None:
        note(f"it has not ended after {timeout:g} s; it goes on")
        raise typer.Exit(Exit.TIMED_OUT)
    if isinstance(found, e.BackupCopyFailed):
        reason = with_remedy(found.reason) if output is Output.TABLE else str(found.reason)
        show({"name": found.backup, "status": "CopyFailed", "to": found.to, "reason": reason}, output)
        raise typer.Exit(Exit.FAILED)
    sizes = {"size": found.scanned_bytes, "read_bytes": found.read_bytes, "uploaded_bytes": found.uploaded_bytes}
    show({"name": found.backup, "status": "Copied", "to": found.to, **sizes}, output)
