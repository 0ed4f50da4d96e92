"""`snapline logs`: the events about one job, from its request on; later, what its records keep."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from producers.actions.follow import requested_before
from producers.cli.commands.bus import print_document, print_event
from producers.cli.context import DestinationOption, OutputOption, note, session_of, where
from producers.cli.render import Output, printable
from producers.session import Session
from producers.views.kept_log import kept_log
from producers.views.progress import JobProgress, concerns
from schemas import events as e
from schemas.events import THE_DEFAULT
from schemas.job import Job

IDLE = timedelta(seconds=2)
"""How long the event log is waited for where nothing is to come."""
BEFORE = timedelta(seconds=2)
"""Clocks differ."""


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a backup or restore.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it ends.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """What has happened to a backup or restore: the events, or what is kept where the event log has none any more."""
    session = session_of(ctx)
    requested = requested_before(session, name, destination)
    job, found = JobProgress(requested.event.id, name=name), 0
    begun = min(requested.event.time, datetime.now(UTC)) - BEFORE
    for logged in session.bus.read_log(begun, idle=None if follow else IDLE):
        if concerns(job, logged.event):
            found += 1
            print_event(logged, output)
            if (
                follow
                and isinstance(logged.event.data, e.FINAL)
                and session.rights.believes(logged.sender, type(logged.event.data))
            ):
                break
    if not found:
        _print_kept(session, requested.job, destination, output)


def _print_kept(session: Session, job: Job, destination: str, output: Output) -> None:
    shown = f"`snapline describe {job}{where(destination)}`"
    note(f"the event log has nothing of {job.name} any more; this is what its records keep, and {shown} has more")
    for line in kept_log(session.store(destination), job):
        if output is Output.TABLE:
            print(printable(f"{line.time:%Y-%m-%d %H:%M:%S}  {line.level:<7}  {line.text}".replace("\n", " ")))  # noqa: T201
        else:
            print_document(asdict(line), output)
