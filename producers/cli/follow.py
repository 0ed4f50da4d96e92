"""`--wait`: shows how far a job has come, and exits with its exit code when it ends."""

import time
from dataclasses import dataclass

import typer

from producers.actions.follow import job_of
from producers.actions.jobs import Requested
from producers.cli import rows
from producers.cli.bars import Bars, summary
from producers.cli.context import note, notes, where
from producers.cli.exits import Exit
from producers.cli.outcomes import of_status, status_of
from producers.cli.planned import lines as plan_lines
from producers.cli.reach.port import Reach
from producers.cli.render import Output, Row, show
from producers.views.progress import JobProgress
from schemas import events as e
from schemas.errors import NotFound, SnaplineError
from schemas.job import Job


def wait(reach: Reach, requested: Requested, timeout: float, output: Output) -> None:
    """Shows progress, prints the result. Exits with the job's code, TIMED_OUT, or INTERRUPTED: then it goes on."""
    if not requested.begun:
        warn_if_nobody_listens(reach)
    began, progress = time.monotonic(), JobProgress(requested.event.id)
    told = _Told()
    try:
        with Bars(notes, time.monotonic).shown() as bars:
            for progress in reach.follow(requested):
                told = _tell(progress, told, requested.destination)
                bars.update(progress)
                if progress.final is None and timeout and time.monotonic() - began > timeout:
                    note(f"{job_of(requested, progress).name} has not ended after {timeout:g} s; it goes on")
                    _how_to_go_on(requested, progress)
                    raise typer.Exit(Exit.TIMED_OUT)
    except KeyboardInterrupt:
        note(f"interrupted; {job_of(requested, progress).name} goes on")
        _how_to_go_on(requested, progress)
        raise typer.Exit(Exit.INTERRUPTED) from None
    finish(reach, requested, progress, output, time.monotonic() - began)


@dataclass(frozen=True)
class _Told:
    """What was remarked already: the plan, queues that nobody serves, senders who are not believed."""

    plan: bool = False
    unserved: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()


def _tell(progress: JobProgress, told: _Told, destination: str) -> _Told:
    """Remarks what is new. What was told, too."""
    if progress.planned and not told.plan:
        for line in plan_lines(progress.planned, destination):
            note(line)
    for queue in set(progress.unserved) - told.unserved:
        _nobody_listens(queue)
    for sender in progress.doubted - told.doubted:
        _doubt(sender)
    return _Told(progress.planned is not None, told.unserved | set(progress.unserved), progress.doubted)


def _how_to_go_on(requested: Requested, progress: JobProgress) -> None:
    name = f"{job_of(requested, progress).name}{where(requested.destination)}"
    note(f"`snapline wait {name}` follows it, `snapline cancel {name}` ends it")


def finish(
    reach: Reach, requested: Requested, progress: JobProgress, output: Output, elapsed: float | None = None
) -> None:
    """Prints what came of the job, and exits with its code. What was followed for `elapsed` seconds is summed up."""
    if isinstance(progress.final, e.BackupRejected | e.RestoreRejected):
        show(rows.rejection(requested.job.name, progress.request, progress.final.reasons, output), output)
        raise typer.Exit(Exit.REJECTED)
    for each in progress.notes:
        note(f"note: {each}")
    row = _result(reach, requested, progress)
    if elapsed is not None:
        note(summary(str(row["name"]), str(row["status"]), progress, elapsed))
    show(row, output)
    raise typer.Exit(of_status(str(row["status"])))


def warn_if_nobody_listens(reach: Reach, queue: str = "license.gate") -> None:
    """A request waits on its queue until a worker comes; people should know."""
    if reach.unserved(queue):
        _nobody_listens(queue)


def _nobody_listens(queue: str) -> None:
    note(f"nobody is listening on {queue}; start a worker with `snapline worker {queue}`")


def _doubt(sender: str) -> None:
    who = f"user {sender!r}" if sender else "somebody without a name"
    text = f"{who} says that it has ended, but is none of Snapline's own users (SNAPLINE_TRUSTED_USERS)"
    note(f"{text}; the object store knows")


def _result(reach: Reach, requested: Requested, progress: JobProgress) -> Row:
    """The record; a producer without access to the store has the final event only."""
    job = job_of(requested, progress)
    try:
        return _row(reach, job, requested.destination)
    except NotFound:
        raise
    except SnaplineError:
        if progress.final is None:
            raise
        return {"name": job.name, "status": status_of(progress.final), **progress.final.model_dump()}


def _row(reach: Reach, job: Job, destination: str) -> Row:
    if job.kind == "backup":
        return rows.backup(reach.backup(job.name, destination)[0].view)
    return rows.restore(reach.restored(job.name, destination)[0].view)
