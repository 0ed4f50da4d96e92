"""What is left of a snapshot that was deleted: that it was there, and what its deletion has brought back."""

from dataclasses import dataclass
from datetime import datetime

from schemas import keys
from schemas.job import backup, is_name
from schemas.records import BackupRequest, Tombstone
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class DeletedView:
    """It was asked for at `requested_at`, and its deletion last did something at `at`. `reclaimed_bytes` is None while
    that is under way; `young_bytes` and `locked_bytes` come back later."""

    name: str
    app: str | None
    schedule: str | None
    requested_at: datetime
    at: datetime
    reclaimed_bytes: int | None = None
    young_bytes: int = 0
    locked_bytes: int = 0


def deleted(store: ObjectStore, name: str) -> DeletedView | None:
    """Of the snapshot called `name`; None if it was not deleted. Raises Damaged."""
    if not is_name(name):
        return None
    job = backup(name)
    tombstone = ledger.find(store, keys.deleted(job), Tombstone)
    request = ledger.find(store, keys.request(job), BackupRequest)
    if tombstone is None or request is None:
        return None
    at = next((found.modified for found in store.list(keys.deleted(job))), request.requested_at)
    return DeletedView(
        name=name,
        app=request.app,
        schedule=request.schedule,
        requested_at=request.requested_at,
        at=at,
        reclaimed_bytes=tombstone.reclaimed_bytes,
        young_bytes=tombstone.young_bytes,
        locked_bytes=tombstone.locked_bytes,
    )
