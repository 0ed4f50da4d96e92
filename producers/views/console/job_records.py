"""The records of a job that is under way: read once, and again only where a listing says that they have changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from schemas import keys
from schemas.job import Job
from schemas.records import (
    BackupPlan,
    BackupRequest,
    CopyState,
    HookState,
    PodResult,
    Queued,
    RestorePlan,
    RestoreRequest,
    Running,
    VolumeResult,
)
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject

R = TypeVar("R", bound=BaseModel)
_TOP: Mapping[str, type[BaseModel]] = {"queued.json": Queued}
_BACKUP: Mapping[str, type[BaseModel]] = {"request.json": BackupRequest, "plan.json": BackupPlan, **_TOP}
_RESTORE: Mapping[str, type[BaseModel]] = {"request.json": RestoreRequest, "plan.json": RestorePlan, **_TOP}
_FOLDERS: Mapping[str, type[BaseModel]] = {
    "pods/": PodResult,
    "slices/": CopyState,
    "hooks/": HookState,
    "volumes/": VolumeResult,
}


@dataclass(frozen=True)
class JobRecords:
    """What there is, by the key below the job's own; of what is not read only that it is there. `marker` is that of a
    job without a final record, and `marked_at` its time, by the store's clock."""

    job: Job
    there: frozenset[str] = frozenset()
    read: Mapping[str, tuple[str, BaseModel]] = field(default_factory=dict)
    marker: Running | None = None
    marked_at: datetime | None = None

    def find(self, name: str, model: type[R]) -> R | None:
        """The record with that key below the job's."""
        found = self.read.get(name)
        return found[1] if found is not None and isinstance(found[1], model) else None

    def all(self, folder: str, model: type[R]) -> Iterator[R]:
        """Those in a folder such as `pods/`, by key."""
        for name in sorted(self.read):
            if name.startswith(folder) and (record := self.find(name, model)) is not None:
                yield record

    @property
    def resting_until(self) -> datetime | None:
        """Until when a message of it that has failed is not tried again."""
        if self.marker is None or self.marked_at is None or not self.marker.rests > timedelta(0):
            return None
        return self.marked_at + self.marker.rests


def refreshed(store: ObjectStore, known: JobRecords) -> JobRecords:
    """What there is now: two listings, and those records that are new or others. Raises Damaged."""
    job, prefix = known.job, keys.of(known.job)
    read: dict[str, tuple[str, BaseModel]] = {}
    there = set()
    for found in store.list(prefix):
        name = found.key.removeprefix(prefix)
        there.add(name)
        model = _model(job, name)
        if model is not None and (entry := _entry(store, found, known.read.get(name), model)) is not None:
            read[name] = entry
    marked = next((found for found in store.list(keys.running(job)) if found.key == keys.running(job)), None)
    marker = known.marker
    if marked is None or marked.modified != known.marked_at:
        marker = ledger.find(store, keys.running(job), Running) if marked else None
    return JobRecords(job, frozenset(there), read, marker, marked.modified if marked else None)


def _model(job: Job, name: str) -> type[BaseModel] | None:
    folder, slash, _ = name.partition("/")
    if slash:
        return None if job.kind == "restore" and folder != "volumes" else _FOLDERS.get(f"{folder}/")
    return (_BACKUP if job.kind == "backup" else _RESTORE).get(name)


def _entry(
    store: ObjectStore, found: StoredObject, known: tuple[str, BaseModel] | None, model: type[BaseModel]
) -> tuple[str, BaseModel] | None:
    if known is not None and known[0] == found.etag:
        return known
    record = ledger.find(store, found.key, model)
    return (found.etag, record) if record is not None else None
