"""Records in the object store: read, create once, overwrite. The truth about every job is behind these few calls."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from schemas import keys
from schemas.errors import NotFound, TransientError
from schemas.job import Job, backup, restore, snapshot_of
from schemas.messages import Message
from schemas.records import BackupRecord, CopyState, Incoming, PodResult, RestoreRecord, Running, decode, encode
from workers.ports import ObjectStore

R = TypeVar("R", bound=BaseModel)
TRIES = 5
"""So often a record may be gone when it is read that was there when it was to be written."""


def read(store: ObjectStore, key: str, model: type[R]) -> R:
    """The record at `key`. Raises NotFound, Damaged."""
    return decode(model, key, store.get(key))


def find(store: ObjectStore, key: str, model: type[R]) -> R | None:
    """The record at `key`, or None."""
    try:
        return read(store, key, model)
    except NotFound:
        return None


def create(store: ObjectStore, key: str, record: R) -> R:
    """Writes `record` if there is none yet; the record that stands, ours or an earlier one. What stood and is gone when
    it is read, as others have done with it, is no error: ours is written then."""
    for _ in range(TRIES):
        if store.create(key, encode(record)):
            return record
        if (standing := find(store, key, type(record))) is not None:
            return standing
    raise TransientError(f"{key} comes and goes")


def put(store: ObjectStore, key: str, record: BaseModel) -> None:
    """Writes `record`, replacing what was there."""
    store.put(key, encode(record))


def exists(store: ObjectStore, key: str) -> bool:
    """Whether a record is at `key`. Raises Damaged if what is there is none of ours: a listing alone could not tell."""
    try:
        store.get(key)
    except NotFound:
        return False
    return True


def clock(store: ObjectStore) -> datetime:
    """The store's own time, to compare with the times of its objects. Those of S3 are whole seconds."""
    store.put(keys.CLOCK, b"")
    return next(found.modified for found in store.list(keys.CLOCK))


def parts(store: ObjectStore, job: Job) -> set[str]:
    """The keys directly below the job's own prefix: what there is of request, plan, marks."""
    return {keys.of(job) + name for name in store.names(keys.of(job))}


def begin(store: ObjectStore, job: Job) -> None:
    """Marks a job as running. Comes before its request record, so that the watchdog misses none."""
    store.create(keys.running(job), encode(Running()))


def pulse(store: ObjectStore, job: Job) -> None:
    """Tells the watchdog that a job which waits is alive."""
    if marker := find(store, keys.running(job), Running):
        put(store, keys.running(job), marker.model_copy(update={"rests": timedelta(0), "failure": None}))


def rest(store: ObjectStore, job: Job, length: timedelta, failure: Message | None = None) -> None:
    """Tells the watchdog that a message of a job is tried again after `length`, and not lost; and people, why."""
    if marker := find(store, keys.running(job), Running):
        rests = max(marker.rests, length)
        put(store, keys.running(job), marker.model_copy(update={"rests": rests, "failure": failure or marker.failure}))


def cancelled(store: ObjectStore, job: Job) -> bool:
    """Whether the job has a cancel marker, or is `cancelled_with_its_restore`."""
    return exists(store, keys.cancel(job)) or cancelled_with_its_restore(store, job)


def cancelled_with_its_restore(store: ObjectStore, job: Job) -> bool:
    """Whether the job is a safety snapshot whose restore was cancelled or has ended."""
    restored = snapshot_of(job)
    return restored is not None and any(exists(store, key) for key in (keys.cancel(restored), keys.final(restored)))


def deleted(store: ObjectStore, job: Job) -> bool:
    """Whether the job has a tombstone."""
    return exists(store, keys.deleted(job))


def finished_backup(store: ObjectStore, name: str) -> BackupRecord | None:
    """The backup's final record."""
    return find(store, keys.final(backup(name)), BackupRecord)


def is_usable(store: ObjectStore, name: str) -> bool:
    """Whether the backup has ended, and holds what can be restored."""
    record = finished_backup(store, name)
    return record is not None and record.status in ("Completed", "PartiallyFailed")


def finished_restore(store: ObjectStore, name: str) -> RestoreRecord | None:
    """The restore's final record."""
    return find(store, keys.final(restore(name)), RestoreRecord)


def volumes_in_use(store: ObjectStore) -> set[str]:
    """The ids of the volumes that backups refer to: finished ones, running ones, and those on their way to here."""
    in_use: set[str] = set()
    for found in store.list(keys.BACKUPS):
        if (state := _with_volumes(store, found.key)) is not None:
            in_use.update(volume.volume_id for volume in state.volumes)
    for record in finished_backups(store):
        in_use.update(volume.volume_id for volume in record.volumes)
    for found in store.list(keys.INCOMING):
        if (incoming := find(store, found.key, Incoming)) is not None:
            in_use.update(volume.volume_id for volume in incoming.volumes)
    return in_use


def finished_backups(store: ObjectStore) -> Iterator[BackupRecord]:
    """The final records of all backups, by name; without those that are deleted meanwhile."""
    for found in sorted(store.list(keys.finals_of("backup")), key=lambda found: found.key):
        if (record := find(store, found.key, BackupRecord)) is not None:
            yield record


def _with_volumes(store: ObjectStore, key: str) -> PodResult | CopyState | None:
    """The record at `key`, if it is of a kind that refers to volumes, and not deleted meanwhile."""
    _, part = keys.parse(key) or (None, "")
    if part.startswith("pods/"):
        return find(store, key, PodResult)
    if part.startswith("slices/"):
        return find(store, key, CopyState)
    return None
