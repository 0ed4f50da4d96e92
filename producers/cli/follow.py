"""`--wait`: follows a job to its end, and makes up for what the bus may lose meanwhile."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import typer

from producers.cli import context
from producers.cli.bars import Bars
from producers.cli.exits import Exit, of_status, status_of
from producers.cli.render import Output, Row, show
from producers.views import jobs, progress
from schemas import events as e
from schemas import keys
from schemas.errors import NotFound, SnaplineError
from schemas.job import Job, Kind, name_for, request_uuid
from workers.adapters import broker

SILENCE = 5.0
"""Seconds without news after which the object store is asked."""
REPEAT = 15.0
"""Seconds without any answer after which the request is published again; the same id makes the same job."""


def wait(
    request: e.AnyEvent, publish: Callable[[], object], kind: Kind, prefix: str, timeout: float, output: Output
) -> None:
    """Publishes, shows progress, prints the result. Exits with the job's code, or TIMED_OUT."""
    since = datetime.now(UTC) - timedelta(seconds=2)
    publish()
    warn_if_nobody_listens()
    likely = name_for(prefix, request_uuid(request.source, request.id))
    stop, began = threading.Event(), time.monotonic()
    asked = repeated = 0.0
    with Bars(context.notes).shown() as bars:
        for view, silent in progress.follow(context.url(), request.id, since, stop):
            bars.update(view)
            if view.final is not None:
                break
            now = time.monotonic() - began
            if timeout and now > timeout:
                context.notes.print(f"{view.name or likely} has not ended after {timeout:g} s; it goes on")
                raise typer.Exit(Exit.TIMED_OUT)
            if silent > SILENCE and now - asked > SILENCE:
                asked = now
                if _has_ended(kind, view.name or likely):
                    break
            if view.name is None and silent > REPEAT and now - repeated > REPEAT:
                repeated = now
                publish()
    stop.set()
    finish(view, kind, likely, output)


def finish(view: progress.JobView, kind: Kind, likely: str, output: Output) -> None:
    """Prints what came of the job, and exits with its code."""
    if isinstance(view.final, e.BackupRejected | e.RestoreRejected):
        show(
            {"request": view.request, "status": "Rejected", "reasons": [str(reason) for reason in view.final.reasons]},
            output,
        )
        raise typer.Exit(Exit.REJECTED)
    for note in view.notes:
        context.notes.print(f"note: {note}", markup=False)
    row = _result(view, kind, view.name or likely)
    show(row, output)
    raise typer.Exit(of_status(str(row["status"])))


def warn_if_nobody_listens(queue: str = "license.gate") -> None:
    """A request waits on its queue until a worker comes; people should know."""
    try:
        if broker.listeners(context.url(), queue) == 0:
            context.notes.print(f"nobody is listening on {queue}; start a worker with `snapline worker {queue}`")
    except SnaplineError:
        return  # a producer may not look at queues


def _has_ended(kind: Kind, name: str) -> bool:
    try:
        return any(context.store().list(keys.final(Job(kind, name))))
    except SnaplineError:
        return False


def _result(view: progress.JobView, kind: Kind, name: str) -> Row:
    """The record; a producer without access to the store has the final event only."""
    try:
        return jobs.finished(context.store(), Job(kind, name))
    except NotFound:
        raise
    except SnaplineError:
        if view.final is None:
            raise
        return {"name": name, "status": status_of(view.final), **view.final.model_dump()}
