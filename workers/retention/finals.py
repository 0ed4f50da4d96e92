"""What retention knows of finished backups, kept in the memory of one process by key and ETag: records never change."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from schemas import keys
from schemas.errors import Damaged
from schemas.job import is_name
from schemas.records import BackupRecord
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject
from workers.retention import holds
from workers.retention.choose import Candidate
from workers.retention.users import users

THREADS = 16
"""Records that are fetched at once."""


class Finals:
    """Of any number of destinations. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, tuple[str, Candidate]]] = {}

    def backups(self, destination: str, store: ObjectStore) -> list[Candidate]:
        """The finished backups of a destination, those with a damaged record left out: nothing is done about these.
        A listing, and those records alone that are new."""
        with self._lock:
            return self._read_new(destination, store)

    def _read_new(self, destination: str, store: ObjectStore) -> list[Candidate]:
        known = self._known.get(destination, {})
        listed = [found for found in store.list(keys.finals_of("backup")) if _is_backup(found.key)]
        kept = {found.key: known[found.key] for found in listed if known.get(found.key, ("",))[0] == found.etag}
        new = [found for found in listed if found.key not in kept]
        with ThreadPoolExecutor(THREADS, "finals") as pool:
            for found, candidate in zip(new, pool.map(lambda each: _read(store, each), new), strict=True):
                if candidate is not None:
                    kept[found.key] = found.etag, candidate
        self._known[destination] = kept
        return [candidate for _, candidate in kept.values()]


def with_uses(store: ObjectStore, backups: list[Candidate]) -> Iterator[Candidate]:
    """With who holds and who uses them now."""
    held, used = holds.names(store), users(store)
    for each in backups:
        yield replace(each, hold="" if each.name in held else None, user=used.get(each.name))


def candidate(record: BackupRecord) -> Candidate:
    """A finished backup as retention sees it."""
    return Candidate(
        name=record.name,
        at=record.requested_at,
        status=record.status,
        app=record.app,
        apps=tuple(app.slug for app in record.apps),
        schedule=record.schedule,
        expires_at=record.expires_at,
    )


def _is_backup(key: str) -> bool:
    job = keys.parse_final(key)
    return job is not None and is_name(job.name)


def _read(store: ObjectStore, found: StoredObject) -> Candidate | None:
    try:
        record = ledger.find(store, found.key, BackupRecord)
    except Damaged:
        return None
    return candidate(record) if record else None
