"""The jobs of one destination as lists. What is known of final records is kept on the disk, by key and ETag."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from producers.session import Session
from producers.views import catalog_file, jobs
from producers.views.copies import standings
from producers.views.job_views import BackupView, RestoreView
from producers.views.verification import with_verdicts
from schemas import keys
from schemas.errors import Damaged
from schemas.events import THE_DEFAULT
from schemas.job import Job, Kind, is_name
from schemas.messages import Message, told
from schemas.records import BackupRecord, BackupRejection, Record, RestoreRecord, RestoreRejection
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject
from workers.retention import holds

V = TypeVar("V", BackupView, RestoreView)
R = TypeVar("R", bound=Record)
THREADS = 16
"""Records that are fetched at once."""
MOST_REJECTED = 100
"""Rejected requests that a list shows: the newest."""


@dataclass(frozen=True)
class _Shelf(Generic[V]):
    """One kind of job: what a list shows of it, and how that is read. None for one that is not there."""

    kind: Kind
    view: type[V]
    ended: Callable[[ObjectStore, str], V | None]
    rejected: Callable[[ObjectStore, str], V | None]
    running: Callable[[ObjectStore, str], V | None]
    unreadable: Callable[[str, datetime, Message], V]

    def try_(
        self, read: Callable[[ObjectStore, str], V | None], store: ObjectStore, what: str, found: "_Found"
    ) -> V | None:
        """What `read` says of `what`; that it is unreadable, where it is damaged or none of ours."""
        try:
            return read(store, what)
        except Damaged as error:
            return self.unreadable(found.name, found.modified, told(error))


def _read(model: type[R], view: Callable[[R], V]) -> Callable[[ObjectStore, str], V | None]:
    """Reads a record by its key, as a list shows it."""

    def read(store: ObjectStore, key: str) -> V | None:
        record = ledger.find(store, key, model)
        return view(record) if record else None

    return read


_BACKUPS = _Shelf(
    "backup",
    BackupView,
    _read(BackupRecord, jobs.ended_backup),
    _read(BackupRejection, jobs.rejected_backup),
    jobs.running_backup,
    jobs.unreadable_backup,
)
_RESTORES = _Shelf(
    "restore",
    RestoreView,
    _read(RestoreRecord, jobs.ended_restore),
    _read(RestoreRejection, jobs.rejected_restore),
    jobs.running_restore,
    jobs.unreadable_restore,
)


@dataclass(frozen=True)
class _Found:
    """A record of a job that a listing names, and what it says of it."""

    name: str
    key: str
    etag: str
    modified: datetime


class Catalog:
    """A job is there if its final record is listed, or its running marker is; requests that were rejected stand among
    them, the newest `MOST_REJECTED`. Of final records and rejections only new ones are read, not those whose ETag is
    the same in the listing as it was. What is kept on the disk may be deleted at any time, and any number of processes
    may share it."""

    def __init__(self, store: ObjectStore, directory: Path | None, place: str) -> None:
        """`directory` is for what is kept, None to keep nothing; `place` tells destinations apart."""
        self._store, self._directory, self._place = store, directory, place

    def backups(self) -> list[BackupView]:
        """All backups, the newest first, those under way too. One whose record cannot be believed holds up no other."""
        held = holds.names(self._store)
        copies = standings.of_all(self._store)
        found = self._jobs(_BACKUPS)
        found = [
            replace(view, held=view.name in held, copies=copies.get(view.name, ()))
            if view.name in held or view.name in copies
            else view
            for view in found
        ]
        return with_verdicts(found, self._store, self._directory, self._place)

    def restores(self) -> list[RestoreView]:
        """All restores; as `backups`."""
        return self._jobs(_RESTORES)

    def _jobs(self, shelf: _Shelf[V]) -> list[V]:
        # In this order: what ends between the two listings is then among the final records, and not nowhere.
        running = self._running(shelf.kind)
        listed = self._listed(shelf.kind)
        rejected = {name: found for name, found in self._rejected(shelf.kind).items() if name not in running | listed}
        with ThreadPoolExecutor(THREADS, "catalog") as pool:
            views = self._views(shelf.kind, shelf, shelf.ended, listed, pool)
            views += self._views(f"rejected-{shelf.kind}", shelf, shelf.rejected, rejected, pool)
            left = [found for name, found in running.items() if name not in listed]
            begun = pool.map(lambda found: shelf.try_(shelf.running, self._store, found.name, found), left)
            views += [view for view in begun if view is not None]
        return sorted(sorted(views, key=lambda view: view.name), key=lambda view: view.requested_at, reverse=True)

    def _views(
        self,
        what: str,
        shelf: _Shelf[V],
        read: Callable[[ObjectStore, str], V | None],
        listed: Mapping[str, _Found],
        pool: ThreadPoolExecutor,
    ) -> list[V]:
        """Those that are listed, by name: from the disk, or read by `read` and then kept there as `what`."""
        unreadable: list[V] = []
        file = catalog_file.path(self._directory, self._place, what)
        known = catalog_file.load(file, shelf.view)
        entries = {
            name: known[name] for name, found in listed.items() if name in known and known[name][0] == found.etag
        }
        new = [name for name in listed if name not in entries]
        tried = pool.map(lambda name: shelf.try_(read, self._store, listed[name].key, listed[name]), new)
        for name, view in zip(new, tried, strict=True):
            if view is not None and view.status == "Unreadable":
                unreadable.append(view)  # and never kept: it may be put right
            elif view is not None:
                entries[name] = listed[name].etag, view
        if entries != known:
            catalog_file.save(file, shelf.view, entries)
        return unreadable + [view for _, view in entries.values()]

    def _running(self, kind: Kind) -> dict[str, _Found]:
        """The running markers."""
        return _by_name(keys.parse_running, self._store.list(keys.running_of(kind)))

    def _listed(self, kind: Kind) -> dict[str, _Found]:
        """The final records."""
        return _by_name(keys.parse_final, self._store.list(keys.finals_of(kind)))

    def _rejected(self, kind: Kind) -> dict[str, _Found]:
        """The newest rejections."""
        newest = sorted(self._store.list(keys.rejections_of(kind)), key=lambda found: found.modified)
        return _by_name(keys.parse_rejection, newest[-MOST_REJECTED:])


def _by_name(parse: Callable[[str], Job | None], listed: Iterable[StoredObject]) -> dict[str, _Found]:
    found = ((parse(each.key), each) for each in listed)
    return {
        job.name: _Found(job.name, each.key, each.etag, each.modified)
        for job, each in found
        if job and is_name(job.name)
    }


def open_catalog(session: Session, destination: str = THE_DEFAULT) -> Catalog:
    """The catalog of a destination. Raises NotFound (`NoDestination`), Invalid."""
    return Catalog(session.store(destination), session.cache(), session.destination(destination).place)
