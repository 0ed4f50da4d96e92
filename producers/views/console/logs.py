"""The log of a snapshot or restore: its events, or what its records keep where the event log has none any more."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from producers.session import Session
from producers.views.console.logfmt import Line, of_event, of_kept
from producers.views.kept_log import kept_log
from producers.views.progress import JobProgress, concerns
from schemas import events as e
from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.messages import Message, told

BEFORE = timedelta(seconds=2)
"""Clocks differ."""
IDLE = timedelta(seconds=1)
"""Without another event for so long, there are no more."""
MOST = 5000
"""Lines."""


@dataclass(frozen=True)
class Log:
    """The lines, the oldest first. `kept` says that they are from records alone, as the event log has nothing of it, or
    could not be read for the `problem`; `cut` that there would be more."""

    lines: tuple[Line, ...]
    kept: bool = False
    cut: bool = False
    problem: Message | None = None


def log(
    session: Session,
    job: Job,
    event_id: str,
    since: datetime,
    stop: Callable[[], bool],
    *,
    destination: str = e.THE_DEFAULT,
) -> Log:
    """Of the job in `destination` that the request `event_id` has made, asked for at `since`; reports of progress are
    left out. Reading the event log ends when it has nothing more, or when `stop` says so. Raises NotFound, Damaged."""
    lines: list[Line] = []
    problem, about, ended = None, JobProgress(event_id, name=job.name), False
    try:
        for logged in session.bus.read_log(since - BEFORE, stop, IDLE):
            if concerns(about, logged.event) and not isinstance(logged.event.data, e.PROGRESS):
                lines.append(of_event(logged.event))
                ended = isinstance(logged.event.data, e.FINAL)
            if ended or len(lines) >= MOST:
                break
    except SnaplineError as error:
        problem = told(error)
    if lines:
        return Log(tuple(lines), cut=not ended, problem=problem)
    return Log(tuple(map(of_kept, kept_log(session.store(destination), job))), kept=True, problem=problem)
