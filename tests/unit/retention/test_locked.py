"""Deleting a backup of which the store keeps something locked: the rest goes, and it is told until when the lock is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.job import backup
from schemas.records import BackupRecord, BackupRequest, VolumeRecord
from tests.support.line import until
from tests.support.locking_store import LockingStore
from tests.support.repositories import MANY_PACKS, fill
from tests.support.volumes import copy, new_repository, objects, volume_of
from workers.adapters.stores.check import check
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.repository import VolumeRepository
from workers.repository.format.layout import PACKS
from workers.steps import maintain

MONTH = timedelta(days=30)
BACKUP = backup("shop-bcdfg")


class Place:
    """A destination with one backup, in a store that locks the keys that begin with one of `locks` for a month."""

    def __init__(self, source: Path) -> None:
        self.now = datetime(2026, 11, 26, tzinfo=UTC)
        self.locks: tuple[str, ...] = ()
        self.store = LockingStore(MemoryObjectStore(self.clock), self._period, self.clock)
        self.repository: VolumeRepository = new_repository(self.store, limits=MANY_PACKS, now=self.clock)
        fill(source, files=3)
        volume = volume_of(copy(self.repository, source))
        sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
        about: dict[str, Any] = {"namespace": "ns", "pod": "p", "name": "v", "kind": "claim", "claim": "v"}
        asked = BackupRequest(name=BACKUP.name, request="q", event_id="q", requested_at=self.now)
        ledger.put(self.store, keys.request(BACKUP), asked)
        self.store.put(keys.manifest(BACKUP, "0" * 64), b"manifest")
        record = BackupRecord(
            name=BACKUP.name,
            request="q",
            status="Completed",
            requested_at=self.now,
            completed_at=self.now,
            volumes=[VolumeRecord(volume_id=volume, **about, **sizes)],
        )
        ledger.create(self.store, keys.final(BACKUP), record)

    def clock(self) -> datetime:
        """A little later each time."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def _period(self, key: str) -> timedelta | None:
        return MONTH if self.locks and key.startswith(self.locks) else None

    def delete(self) -> e.Event:
        """What is told in the end of a request to delete the backup."""
        destinations = MemoryDestinations({"default": (self.store, self.repository)})
        needs = maintain.MaintainNeeds(destinations, Background(timedelta(seconds=0.05)), moment=timedelta(0))
        asked = e.BackupDeleteRequested(backup=BACKUP.name)
        wrapped: Any = e.wrap(asked, id="x", source="tests", time=self.now)
        told: list[e.Event] = []

        def ended() -> bool:
            try:
                told.extend(
                    each for each in maintain.delete(wrapped, needs) if not isinstance(each, e.UpkeepProgressed)
                )
            except NotYet:
                return False
            return True

        until(ended, "it ends")
        return told[-1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "source")


def test_packs_that_are_locked_stay_and_the_event_says_until_when(place: Place) -> None:
    place.locks = (PACKS,)
    kept = sum(objects(place.store, PACKS).values())
    told = place.delete()
    assert isinstance(told, e.BackupDeleted)
    assert (told.reclaimed_bytes >= 0, told.locked_bytes) == (True, kept)
    assert told.locked_until is not None
    assert f"{told.locked_until:%Y-%m-%d %H:%M}" == "2026-12-26 00:00"
    assert not ledger.exists(place.store, keys.final(BACKUP))
    assert place.delete() == told, "the same request is told the same"


def test_what_is_locked_goes_when_it_is_asked_for_after_that(place: Place) -> None:
    place.locks = (PACKS, keys.of(BACKUP) + "manifests/")
    first = place.delete()
    assert isinstance(first, e.BackupDeleted)
    assert first.locked_bytes == sum(objects(place.store, PACKS).values()) + len(b"manifest")
    place.now += MONTH
    again = place.delete()
    assert isinstance(again, e.BackupDeleted)
    assert (again.locked_bytes, again.locked_until) == (0, None)
    assert objects(place.store, PACKS) == {}
    assert set(objects(place.store, keys.of(BACKUP))) == {keys.request(BACKUP), keys.deleted(BACKUP)}


def test_a_backup_whose_record_is_locked_is_not_deleted_and_stays_whole(place: Place) -> None:
    place.locks = (keys.final(BACKUP),)
    before = objects(place.store)
    told = place.delete()
    assert isinstance(told, e.BackupDeleteFailed)
    assert told.reason.code == Code.LOCKED
    assert "it is locked until 2026-12-26" in told.reason.text
    assert objects(place.store).keys() - {keys.CLOCK} == before.keys() - {keys.CLOCK}
    place.locks = ()
    assert isinstance(place.delete(), e.BackupDeleted)


def test_a_store_that_locks_all_that_is_written_is_refused_and_it_is_said_why() -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    store = LockingStore(MemoryObjectStore(), lambda _: MONTH, now)
    failed = [each for each in check(store, "x") if not each.ok]
    assert [each.check for each in failed] == ["delete it"]
    assert "without a retention period" in failed[0].detail
    assert any("is locked until" in each.detail for each in check(store, "y") if each.ok)
