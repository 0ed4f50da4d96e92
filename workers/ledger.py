"""Records in the object store: read, create once, overwrite. The truth about every job is behind these few calls."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel

from schemas import keys
from schemas.errors import NotFound
from schemas.records import BackupRecord, RestoreRecord, Running, SliceState, UnitResult, decode, encode
from workers.ports import ObjectStore

R = TypeVar("R", bound=BaseModel)


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
    """Writes `record` if there is none yet; the record that stands, ours or an earlier one."""
    if store.create(key, encode(record)):
        return record
    return read(store, key, type(record))


def put(store: ObjectStore, key: str, record: BaseModel) -> None:
    """Writes `record`, replacing what was there."""
    store.put(key, encode(record))


def exists(store: ObjectStore, key: str) -> bool:
    """Whether `key` is there."""
    return any(found.key == key for found in store.list(key))


def begin(store: ObjectStore, kind: keys.Kind, name: str) -> None:
    """Marks a job as running. Comes before its request record, so that the watchdog misses none."""
    store.create(keys.running(kind, name), encode(Running()))


def end(store: ObjectStore, kind: keys.Kind, name: str) -> None:
    """Takes the mark away; comes after the final record."""
    store.delete(keys.running(kind, name))


def pulse(store: ObjectStore, kind: keys.Kind, name: str) -> None:
    """Tells the watchdog that a job which waits is alive."""
    if marker := find(store, keys.running(kind, name), Running):
        put(store, keys.running(kind, name), marker)


def cancelled(store: ObjectStore, kind: keys.Kind, name: str) -> bool:
    """Whether the job has a cancel marker."""
    return exists(store, keys.cancel(kind, name))


def deleted(store: ObjectStore, kind: keys.Kind, name: str) -> bool:
    """Whether the job has a tombstone."""
    return exists(store, keys.deleted(kind, name))


def over(store: ObjectStore, kind: keys.Kind, name: str) -> bool:
    """Whether nothing is left to do: the job has its final record, or was deleted."""
    return exists(store, keys.final(kind, name)) or deleted(store, kind, name)


def finished_backup(store: ObjectStore, name: str) -> BackupRecord | None:
    """The backup's final record."""
    return find(store, keys.final("backups", name), BackupRecord)


def finished_restore(store: ObjectStore, name: str) -> RestoreRecord | None:
    """The restore's final record."""
    return find(store, keys.final("restores", name), RestoreRecord)


def backups(store: ObjectStore) -> Iterator[BackupRecord]:
    """All finished backups, by name."""
    for found in store.list("backups/"):
        if keys.parse_final(found.key):
            yield read(store, found.key, BackupRecord)


def volumes_in_use(store: ObjectStore) -> set[str]:
    """The volumes that finished and running backups refer to."""
    in_use: set[str] = set()
    for found in store.list("backups/"):
        part = found.key.split("/")[2]
        if keys.parse_final(found.key):
            in_use.update(volume.volume for volume in read(store, found.key, BackupRecord).volumes)
        elif part == "units":
            in_use.update(volume.volume for volume in read(store, found.key, UnitResult).volumes)
        elif part == "slices":
            in_use.update(volume.volume for volume in read(store, found.key, SliceState).volumes)
    return in_use
