"""Which copies of backups are wanted, and what became of them: records beside the backup, in its own destination."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.job import Job
from schemas.messages import Message, shortened
from schemas.records import Copied, CopyFailed, WantedCopy
from workers.jobs import ledger
from workers.ports import ObjectStore

RENEWED_EVERY = timedelta(minutes=10)
"""How often a copy's message, as it comes again and again, says that it is not lost."""
LOST_AFTER = timedelta(hours=2)
"""A copy of which no message has come for so long is asked for again. Failed messages rest for up to an hour."""


def want(store: ObjectStore, job: Job, to: str, now: datetime) -> None:
    """Notes that a copy to the destination `to` is wanted, or that it still is."""
    key = keys.wanted_copy(job, to)
    noted = ledger.create(store, key, WantedCopy(since=now))
    written = max((found.modified for found in store.list(key)), default=now)
    if now - written > RENEWED_EVERY:
        ledger.put(store, key, noted)


def asked(store: ObjectStore, job: Job, destination: str) -> Iterator[e.BackupCopyRequested]:
    """The requests for the copies of a backup that are wanted."""
    for found in list(store.list(keys.wanted_copies(job))):
        if known := keys.parse_copy(found.key):
            yield e.BackupCopyRequested(backup=job.name, destination=destination, to=known[2])


def lost(store: ObjectStore, destination: str) -> Iterator[e.BackupCopyRequested]:
    """The requests for copies of finished backups whose messages have been lost, by the store's time."""
    wanted = list(store.list(keys.WANTED_COPIES))
    if not wanted:
        return
    until = ledger.clock(store) - LOST_AFTER
    for found in sorted(wanted, key=lambda found: found.modified):
        known = keys.parse_copy(found.key)
        if known is None or found.modified >= until or ledger.exists(store, keys.running(known[0])):
            continue
        job, _, to = known
        if (noted := ledger.find(store, found.key, WantedCopy)) is not None:
            ledger.put(store, found.key, noted)  # starts the clock anew
            yield e.BackupCopyRequested(backup=job.name, destination=destination, to=to)


def is_known(store: ObjectStore, asked: e.BackupCopyRequested) -> bool:
    """Whether that copy was made, or is wanted, by what is known here."""
    places = (keys.wanted_copy(asked.job, asked.to), keys.copied(asked.job, asked.to))
    return any(ledger.exists(store, key) for key in places)


def known(store: ObjectStore, job: Job, to: str) -> Copied | None:
    """That the backup was copied there, as far as is known here."""
    return ledger.find(store, keys.copied(job, to), Copied)


def copied(store: ObjectStore, job: Job, to: str, result: Copied) -> None:
    """Records that a copy is there."""
    ledger.put(store, keys.copied(job, to), result)
    store.delete(keys.copy_failed(job, to))
    store.delete(keys.wanted_copy(job, to))


def failed(store: ObjectStore, job: Job, to: str, reason: Message, now: datetime) -> None:
    """Records that a copy was not made."""
    ledger.put(store, keys.copy_failed(job, to), CopyFailed(at=now, reason=shortened(reason)))
    store.delete(keys.wanted_copy(job, to))


def forget(store: ObjectStore, job: Job) -> None:
    """Deletes all that is known of the copies of a backup, which goes."""
    for prefix in (keys.copies_of(job), keys.wanted_copies(job)):
        for found in list(store.list(prefix)):
            store.delete(found.key)


def gone(store: ObjectStore, job: Job, to: str) -> None:
    """The copy there was deleted."""
    store.delete(keys.copied(job, to))
