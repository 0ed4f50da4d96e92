"""The history as the checks see it: the plain store, the cluster, and what was read back of volumes."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from schemas.records import BackupRecord
from tests.simulation.machinery.line import Line
from tests.simulation.watch import Watch
from tests.support.repository_model import IN_MEMORY
from tests.support.volumes import never, quiet
from tests.unit.model.emulated import Content, Emulated, read
from tests.unit.model.watching import Watching
from workers.adapters.stores.sealed_records import SealedRecords
from workers.jobs import ledger
from workers.jobs.store_time import APART
from workers.repository import VolumeRepository

APART_AT_MOST = APART + timedelta(minutes=25)
"""A step may look at the clock, and be held up for as long as a step may take before it writes down what it saw."""


class Contents(Mapping[str, Content]):
    """What a restore of a volume brings back, by id."""

    def __init__(self, repository: VolumeRepository) -> None:
        self._repository = repository
        self._now: dict[str, Content] = {}
        self.known: dict[str, Content] = {}
        """What was read of a volume the first time."""

    def __getitem__(self, volume: str) -> Content:
        if volume not in self._now:
            self._now[volume] = self._restored(volume)
            self.known.setdefault(volume, self._now[volume])
        return self._now[volume]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def forget_what_was_read(self) -> None:
        """It is read once more."""
        self._now.clear()

    def _restored(self, volume: str) -> Content:
        target = Path(tempfile.mkdtemp(prefix="read-back-", dir=IN_MEMORY))
        try:
            reached = self._repository.restore(volume, target, checkpoint=None, stop=never, progress=quiet)
            return {} if reached.lost else read(target)
        finally:
            shutil.rmtree(target)


class _Trees:
    def __init__(self, volumes: Contents) -> None:
        self.volumes = volumes


@dataclass
class SealedWatching(Watching):
    """What was captured is sealed as it should be."""

    repository: VolumeRepository | None = None

    def opened(self, key: str) -> bytes:
        """See Watching."""
        assert self.repository is not None
        return self.repository.unseal(self.store.get(key), key)


class Looking:
    """What the model's invariants ask for, over the simulated line."""

    apart = APART_AT_MOST

    def __init__(self, line: Line, watching: SealedWatching, watch: Watch) -> None:
        self.line, self.watching, self.touched = line, watching, watch.touched
        self._excused = watch.excused
        self.repository = watching.repository = line.repository(line.stores["default"].behind())
        self.contents = Contents(self.repository)
        self.trees = _Trees(self.contents)
        self.parked: list[str] = []

    @property
    def plain(self) -> SealedRecords:
        """The default destination."""
        return self.line.plain["default"]

    @property
    def world(self) -> Emulated:
        """The cluster."""
        return self.watching.world

    def running(self) -> list[str]:
        """Unfinished jobs."""
        return self.line.running()

    def backups(self) -> list[BackupRecord]:
        """Those that can be restored, safety snapshots as well."""
        return [each for snapshots in (False, True) for each in self.watching.backups(snapshots=snapshots)]

    def is_known(self, backup: str) -> bool:
        """Whether the backup is still there: of one that was deleted since, nobody can say what it held."""
        return ledger.finished_backup(self.plain, backup) is not None

    def times(self, checked: set[str]) -> Iterator[tuple[str, datetime, datetime]]:
        """Of final records: the key, the time that stands in it, and when it was written."""
        for found in self.plain.list("final/"):
            name = found.key.split("/")[-1].removesuffix(".json")
            if name not in checked and found.key not in self._excused:
                record = (
                    ledger.finished_backup(self.plain, name)
                    if "/backup/" in found.key
                    else ledger.finished_restore(self.plain, name)
                )
                if record:
                    yield found.key, record.completed_at, found.modified
