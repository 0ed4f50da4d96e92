"""A store that is full recovers by expiry alone: nothing has to be deleted by hand first."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, TransientError
from schemas.job import backup
from schemas.records import BackupRecord, BackupRequest
from tests.support.front import volume
from tests.support.full_store import FullStore
from tests.support.line import until
from tests.support.sealed import repository_in, sealed
from tests.support.volumes import copy, volume_of
from tests.support.world import CONSOLE, World
from workers.adapters.twins.destinations import MemoryDestinations
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.steps import maintain, retention
from workers.steps.maintain import MaintainNeeds
from workers.steps.retention import RetentionNeeds

START = datetime(2026, 11, 1, tzinfo=UTC)
KIB = 1024
SIZE = 300 * KIB


class Bucket:
    """A full bucket with three backups of one volume, each with content of its own; two have expired."""

    def __init__(self, tmp: Path) -> None:
        self.now = START
        self.objects = FullStore(lambda: self.now)
        self.repository = repository_in(self.objects)
        self.store = sealed(self.objects, self.repository)
        self.destinations = MemoryDestinations({"default": (self.store, self.repository)})
        for number, name in enumerate(("first", "second", "third")):
            (tmp / "content").write_bytes(random.Random(number).randbytes(SIZE))
            self.back_up(tmp, name)
            self.now += timedelta(days=1)
        self.now = START + timedelta(days=30)
        self.objects.fill()

    def back_up(self, root: Path, name: str) -> None:
        """Takes a copy of the directory, and writes the record; kept for ten days."""
        copied = volume_of(copy(self.repository, root))
        asked = {"name": name, "request": "q", "event_id": "q", "requested_at": self.now}
        ledger.put(self.store, keys.request(backup(name)), BackupRequest.model_validate(asked))
        record = {**asked, "status": "Completed", "completed_at": self.now, "volumes": [volume(copied)]}
        record["expires_at"] = self.now + timedelta(days=10)
        ledger.put(self.store, keys.final(backup(name)), BackupRecord.model_validate(record))

    def expire(self, world: World) -> Iterator[e.BackupDeleteRequested]:
        """What retention asks for."""
        needs = RetentionNeeds(self.destinations, world.cluster, CONSOLE, timedelta(0), lambda: self.now)
        for event in retention.tick(e.wrap(e.TickMinute(minute="now"), source="tests", time=self.now), needs):
            assert isinstance(event, e.BackupDeleteRequested)
            yield event

    def delete(self, event: e.BackupDeleteRequested) -> e.Event:
        """What becomes of a deletion, however often its message has to come."""
        needs, told = (
            MaintainNeeds(self.destinations, Background(timedelta(seconds=5)), moment=timedelta(0)),
            list[e.Event](),
        )

        def ended() -> bool:
            try:
                told.extend(maintain.delete(e.wrap(event, source="tests", time=self.now), needs))
            except NotYet:
                return False
            return True

        until(ended, "it ends", 120)
        return told[-1]


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


@pytest.fixture
def world() -> World:
    made = World()
    made.register("shop")  # which makes the console's namespace
    return made


def test_it_takes_nothing_any_more_and_recovers_by_expiry_alone(bucket: Bucket, world: World, tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        bucket.store.put(keys.CLOCK, b"")
    with pytest.raises(TransientError):
        bucket.back_up(tmp_path, "fourth")
    before = bucket.objects.used
    asked = list(bucket.expire(world))
    assert [event.backup for event in asked] == ["first", "second"]
    ended = [bucket.delete(event) for event in asked]
    assert [type(event) for event in ended] == [e.BackupDeleted] * 2
    freed = sum(event.reclaimed_bytes for event in ended if isinstance(event, e.BackupDeleted))
    assert freed > 2 * SIZE * 0.9
    assert before - bucket.objects.used > 2 * SIZE * 0.9
    assert ledger.finished_backup(bucket.store, "third") is not None
    (tmp_path / "content").write_bytes(random.Random(9).randbytes(SIZE))
    bucket.back_up(tmp_path, "fourth")
    assert (
        bucket.repository.verify(
            ledger.read(bucket.store, keys.final(backup("fourth")), BackupRecord).volumes[0].volume_id
        )
        == []
    )


def test_a_prune_that_is_asked_for_finds_room_too(bucket: Bucket) -> None:
    bucket.store.delete(keys.final(backup("first")))
    bucket.objects.fill()
    needs, told = MaintainNeeds(bucket.destinations, Background(timedelta(seconds=5))), list[e.Event]()
    request = e.wrap(e.RepositoryPruneRequested(), id="p", source="tests", time=bucket.now)
    told.extend(maintain.prune(request, "ada", needs))
    assert isinstance(told[-1], e.RepositoryPruned)


def test_the_ballast_is_put_back(bucket: Bucket, world: World) -> None:
    for event in list(bucket.expire(world)):
        bucket.delete(event)
    assert [found.key for found in bucket.objects.list("repository/ballast")] == ["repository/ballast"]
