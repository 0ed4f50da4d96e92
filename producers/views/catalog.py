"""The jobs of one destination as lists. What is known of final records is kept on the disk, by key and ETag."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from producers.session import Session
from producers.views import catalog_file, jobs
from producers.views.catalog_file import Entries
from producers.views.jobs import BackupView, RestoreView
from schemas import keys
from schemas.events import DEFAULT_DESTINATION
from schemas.job import Job, Kind, is_name
from workers.jobs import ledger
from workers.ports import ObjectStore

V = TypeVar("V", BackupView, RestoreView)
THREADS = 16
"""Records that are fetched at once."""


@dataclass(frozen=True)
class _Shelf(Generic[V]):
    """One kind of job: what a list shows of it, and how that is read. None for one that is not there."""

    kind: Kind
    view: type[V]
    ended: Callable[[ObjectStore, str], V | None]
    running: Callable[[ObjectStore, str], V | None]


def _ended_backup(store: ObjectStore, name: str) -> BackupView | None:
    record = ledger.finished_backup(store, name)
    return jobs.ended_backup(record) if record else None


def _ended_restore(store: ObjectStore, name: str) -> RestoreView | None:
    record = ledger.finished_restore(store, name)
    return jobs.ended_restore(record) if record else None


_BACKUPS = _Shelf("backup", BackupView, _ended_backup, jobs.running_backup)
_RESTORES = _Shelf("restore", RestoreView, _ended_restore, jobs.running_restore)


class Catalog:
    """A job is there if its final record is listed, or its running marker is. Only new final records are read,
    not those whose ETag is the same in the listing as it was. What is kept on the disk may be deleted at any time,
    and any number of processes may share it."""

    def __init__(self, store: ObjectStore, directory: Path | None, place: str) -> None:
        """`directory` is for what is kept, None to keep nothing; `place` tells destinations apart."""
        self._store, self._directory, self._place = store, directory, place

    def backups(self) -> list[BackupView]:
        """All backups by name, those under way too. Raises Damaged for a record that cannot be read."""
        return self._jobs(_BACKUPS)

    def restores(self) -> list[RestoreView]:
        """All restores; as `backups`."""
        return self._jobs(_RESTORES)

    def _jobs(self, shelf: _Shelf[V]) -> list[V]:
        # In this order: what ends between the two listings is then among the final records, and not nowhere.
        running = {job.name for job in self._running(shelf.kind)}
        listed = self._listed(shelf.kind)
        with ThreadPoolExecutor(THREADS, "catalog") as pool:
            ended = self._ended(shelf, listed, pool)
            begun = pool.map(lambda name: shelf.running(self._store, name), running - set(listed))
            views = [view for _, view in ended.values()] + [view for view in begun if view is not None]
        return sorted(views, key=lambda view: view.name)

    def _ended(self, shelf: _Shelf[V], listed: dict[str, str], pool: ThreadPoolExecutor) -> Entries[V]:
        """The jobs with final records: `listed` has their names and ETags."""
        file = catalog_file.path(self._directory, self._place, shelf.kind)
        known = catalog_file.load(file, shelf.view)
        entries = {name: known[name] for name, etag in listed.items() if name in known and known[name][0] == etag}
        new = [name for name in listed if name not in entries]
        for name, view in zip(new, pool.map(lambda name: shelf.ended(self._store, name), new), strict=True):
            if view is not None:
                entries[name] = listed[name], view
        if entries != known:
            catalog_file.save(file, shelf.view, entries)
        return entries

    def _running(self, kind: Kind) -> Iterable[Job]:
        for found in self._store.list(keys.running_of(kind)):
            job = keys.parse_running(found.key)
            if is_name(job.name):
                yield job

    def _listed(self, kind: Kind) -> dict[str, str]:
        found = ((keys.parse_final(each.key), each.etag) for each in self._store.list(keys.finals_of(kind)))
        return {job.name: etag for job, etag in found if job and is_name(job.name)}


def open_catalog(session: Session, destination: str = DEFAULT_DESTINATION) -> Catalog:
    """The catalog of a destination. Raises NotFound (`NoDestination`), Invalid."""
    return Catalog(session.store(destination), session.cache(), session.destination(destination).place)
