"""Follows what was asked for to its end, and makes up for what the bus may lose meanwhile."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from producers.actions.jobs import Requested, repeat
from producers.event_feed import Missed
from producers.session import Session
from producers.views.jobs import has_ended
from producers.views.progress import JobProgress, concerns, fold
from schemas import events as e
from schemas.errors import SnaplineError
from schemas.job import Job

BEAT = 0.25
"""Seconds after which the progress is told again, changed or not."""
SILENCE = 5.0
"""Seconds without news after which the object store is asked."""
REPEAT = 15.0
"""Seconds without any answer after which the request is published again; the same id makes the same job."""
BEFORE = timedelta(seconds=2)
"""How long before the request was published listening begins: clocks differ."""


def follow(
    session: Session, requested: Requested, clock: Callable[[], float] = time.monotonic
) -> Iterator[JobProgress]:
    """How far the job has come, several times a second. Ends when its final event was heard, or its final record is in
    the store; the last progress then lacks `final`. `clock` is in seconds, from any moment."""
    progress = JobProgress(requested.event.id)
    heard_at = asked_at = repeated_at = clock()
    with session.events.listen(requested.event.time - BEFORE) as listener:
        while progress.final is None:
            heard, now = listener.get(BEAT), clock()
            missed = isinstance(heard, Missed)
            if heard is not None and not isinstance(heard, Missed) and concerns(progress, heard.event):
                progress, heard_at = fold(progress, heard.event.data), now
            yield progress
            if missed or (now - heard_at > SILENCE and now - asked_at > SILENCE):
                asked_at = now
                if _has_ended(session, requested, progress):
                    return
            if progress.name is None and now - heard_at > REPEAT and now - repeated_at > REPEAT:
                repeated_at = now
                repeat(session, requested)


def deletion(session: Session, requested: Requested) -> e.BackupDeleted | e.BackupDeleteFailed:
    """Waits for the answer to a deletion."""
    for logged in session.bus.read_log(requested.event.time - BEFORE):
        said, about = logged.event.data, logged.event.correlationid
        if about == requested.event.id and isinstance(said, e.BackupDeleted | e.BackupDeleteFailed):
            return said
    raise RuntimeError("the event log has no end")


def job_of(requested: Requested, progress: JobProgress) -> Job:
    """The job that came of the request: as the license gate called it, else as it probably will."""
    return Job(requested.job.kind, progress.name) if progress.name else requested.job


def _has_ended(session: Session, requested: Requested, progress: JobProgress) -> bool:
    try:
        return has_ended(session.store(requested.destination), job_of(requested, progress))
    except SnaplineError:
        return False  # a producer may have no access to the store
