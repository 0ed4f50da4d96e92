"""What the records of snapshots say beyond the lists: who is not whole, which volumes are in them, where they looked.

A final record never changes, so each is read once.
"""

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from producers.views.home.whole import lacking
from producers.views.job_views import BackupView
from schemas.errors import SnaplineError
from schemas.messages import Message
from schemas.records import BackupRecord, Coverage
from workers.jobs import ledger
from workers.ports import ObjectStore

THREADS = 16


@dataclass(frozen=True)
class Held:
    """One finished snapshot: those `lacking` in it, the bytes of its volumes by `<namespace>/<claim>`, and where it
    looked for whose objects."""

    lacking: Mapping[str, Message | None]
    volumes: Mapping[str, int]
    covers: tuple[Coverage, ...]

    def size(self, owner: str) -> int:
        """Bytes of the volumes in the namespaces of an owner."""
        spaces = {each for cover in self.covers if cover.owner == owner for each in cover.namespaces}
        return sum(size for key, size in self.volumes.items() if "*" in spaces or key.partition("/")[0] in spaces)


Remembered = MutableMapping[tuple[str, str], Held]
"""Destination and name -> what is known of it. It is filled along."""


def held(
    views: Iterable[BackupView],
    stores: Mapping[str, ObjectStore],
    remembered: Remembered,
    everywhere: Collection[str] = (),
) -> dict[str, Held]:
    """By name; of those alone whose records can be read. `everywhere` as in `whole.lacking`."""
    wanted = {view.name: view for view in views if view.destination in stores}
    new = [view for view in wanted.values() if (view.destination, view.name) not in remembered]
    with ThreadPoolExecutor(THREADS, "home") as pool:
        found = pool.map(lambda view: _record(stores[view.destination], view.name), new)
        for view, record in zip(new, found, strict=True):
            if record is not None:
                remembered[view.destination, view.name] = _held(record, everywhere)
    known = ((name, remembered.get((view.destination, name))) for name, view in wanted.items())
    return {name: each for name, each in known if each is not None}


def _held(record: BackupRecord, everywhere: Collection[str]) -> Held:
    volumes = {volume.key: volume.scanned_bytes for volume in record.volumes}
    return Held(lacking(record, everywhere), volumes, tuple(record.covers))


def _record(store: ObjectStore, name: str) -> BackupRecord | None:
    try:
        return ledger.finished_backup(store, name)
    except SnaplineError:
        return None
