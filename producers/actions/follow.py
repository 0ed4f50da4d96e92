"""Follows what was asked for to its end, and makes up for what the bus may lose meanwhile."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from producers.actions.answers import BEFORE, SILENCE, answer, believed
from producers.actions.jobs import Requested, repeat
from producers.event_feed import Missed
from producers.session import Session
from producers.views.jobs import find, has_ended
from producers.views.progress import JobProgress, concerns, fold
from schemas import events as e
from schemas import keys
from schemas.errors import SnaplineError
from schemas.events import THE_DEFAULT
from schemas.job import Job
from schemas.records import BackupRequest, RestoreRequest, Tombstone
from workers.jobs import ledger
from workers.ports import Say

if TYPE_CHECKING:
    pass

BEAT = 0.25
"""Seconds after which the progress is told again, changed or not."""
REPEAT = 15.0
"""Seconds without any answer after which the request is published again; the same id makes the same job."""
UNHEARD = 60.0
"""Seconds without news of a deletion after which what is on record has to do."""


def requested_before(session: Session, name: str, destination: str = THE_DEFAULT) -> Requested:
    """What was asked for when the job called `name` began, to `follow` it. Raises NotFound."""
    store = session.store(destination)
    job = find(store, name)
    model = BackupRequest if job.kind == "backup" else RestoreRequest
    record = ledger.find(store, keys.request(job), model)
    if record is None:  # rejected
        return Requested(stand_in(name, datetime.now(UTC), name), job, destination, begun=True)
    return Requested(stand_in(record.event_id, record.requested_at, name), job, destination, begun=True)


def stand_in(id: str, time: datetime, name: str) -> e.AnyEvent:
    """In place of a request that somebody has published: it has the id and the time by which its news are known."""
    return e.wrap(e.BackupDeleteRequested(backup=name), id=id, source="snapline", time=time)


def follow(
    session: Session, requested: Requested, clock: Callable[[], float] = time.monotonic
) -> Iterator[JobProgress]:
    """How far the job has come, several times a second. Ends when its final event was heard, or its final record is in
    the store; the last progress then lacks `final`. Only the line's own users are believed, each what is theirs to
    tell; who else tells of an end is noted in `doubted`, and the store asked. `clock` is in seconds."""
    progress = JobProgress(requested.event.id, name=requested.job.name if requested.begun else None)
    heard_at = asked_at = repeated_at = clock()
    with session.events.listen(requested.event.time - BEFORE) as listener:
        while progress.final is None:
            heard, now = listener.get(BEAT), clock()
            unsure = isinstance(heard, Missed)
            if heard is not None and not isinstance(heard, Missed) and concerns(progress, heard.event):
                if believed(session, heard):
                    progress, heard_at = fold(progress, heard.event.data), now
                elif isinstance(heard.event.data, e.FINAL):
                    progress, unsure = replace(progress, doubted=progress.doubted | {heard.sender}), True
            yield progress
            if unsure or (now - heard_at > SILENCE and now - asked_at > SILENCE):
                asked_at = now
                if _has_ended(session, requested, progress):
                    return
            if progress.name is None and now - heard_at > REPEAT and now - repeated_at > REPEAT:
                repeated_at = now
                repeat(session, requested)


def deletion(
    session: Session,
    requested: Requested,
    clock: Callable[[], float] = time.monotonic,
    patience: float | None = None,
    progress: Say = lambda _what, _done, _total: None,
) -> e.BackupDeleted | e.BackupDeleteFailed | None:
    """Waits for the answer to a deletion: one of the line's own users tells it, or it is on record. If the backup is
    gone, and nothing is heard for a minute, nobody knows how much came back. None if `patience` seconds have passed
    since it was asked for. `progress` is told how far what it frees is reclaimed."""
    found = answer(
        session,
        requested,
        _as_answer,
        lambda silent: _recorded(session, requested, unheard=silent > UNHEARD),
        clock=clock,
        patience=patience,
        progress=progress,
    )
    return _as_answer(found)


def _as_answer(said: e.Event | None) -> e.BackupDeleted | e.BackupDeleteFailed | None:
    return said if isinstance(said, e.BackupDeleted | e.BackupDeleteFailed) else None


def job_of(requested: Requested, progress: JobProgress) -> Job:
    """The job that came of the request: as the license gate called it, else as it probably will."""
    return Job(requested.job.kind, progress.name) if progress.name else requested.job


def _has_ended(session: Session, requested: Requested, progress: JobProgress) -> bool:
    try:
        return has_ended(session.store(requested.destination), job_of(requested, progress))
    except SnaplineError:
        return False  # a producer may have no access to the store


def _recorded(session: Session, requested: Requested, *, unheard: bool) -> e.BackupDeleted | None:
    """What the store knows of the end of a deletion; `unheard`, that the backup is gone will do."""
    try:
        store, job = session.store(requested.destination), requested.job
        buried = ledger.find(store, keys.deleted(job), Tombstone)
        if buried is None or ledger.finished_backup(store, job.name) is not None:
            return None
    except SnaplineError:
        return None  # a producer may have no access to the store
    if buried.reclaimed_bytes is None and not unheard:
        return None
    return e.BackupDeleted(
        backup=job.name,
        destination=requested.destination,
        reclaimed_bytes=buried.reclaimed_bytes or 0,
        young_bytes=buried.young_bytes,
        young_until=buried.young_until,
        locked_bytes=buried.locked_bytes,
        locked_until=buried.locked_until,
    )
