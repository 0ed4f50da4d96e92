"""Ages are told by the store's clock: what the clocks of pruners and copies say loses nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.repositories import MANY_PACKS, WrappedStore, digests, fill
from tests.support.volumes import copy, every, never, new_repository, problems_of, quiet, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import MARKS, PARTIAL, VOLUMES

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SKEWS = (timedelta(0), 2 * DAY, -2 * DAY, 31 * DAY, -31 * DAY)


class World:
    """A store with a clock, and processes whose clocks are ahead of it by anything."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 2, tzinfo=UTC)
        self.store = MemoryObjectStore(lambda: self.time)

    def open(self, ahead: timedelta = timedelta(0), store: ObjectStore | None = None) -> VolumeRepository:
        return new_repository(store or self.store, limits=MANY_PACKS, graces=Graces(), now=lambda: self.time + ahead)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source", files=12)
    return tmp_path / "source"


@pytest.mark.parametrize("takes", [timedelta(0), 30 * HOUR])
@pytest.mark.parametrize("ahead", SKEWS)
def test_a_backup_that_completes_while_a_pruner_looks_is_kept(
    takes: timedelta, ahead: timedelta, world: World, source: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    def keep() -> set[str]:
        kept = set(told)
        told.append(volume_of(copy(world.open(), source)))
        world.time += takes
        return kept

    world.open(ahead).prune(keep)
    assert restore(world.open(), told[0], tmp_path / "target").lost == ()


@pytest.mark.parametrize("ahead", SKEWS)
def test_marks_outlive_the_copies_that_must_see_them(
    ahead: timedelta, world: World, source: Path, tmp_path: Path
) -> None:
    first = volume_of(copy(world.open(), source))
    repository, asked = world.open(), [True]

    def stop() -> bool:
        if asked:
            asked.clear()
            world.time += 2 * HOUR
            world.open().forget([first])
            for _ in range(3):
                world.open(ahead).prune(set)
            assert list(world.store.list(MARKS))
        return False

    reached = repository.copy(source, parent=first, checkpoint=None, stop=stop, progress=quiet)
    volume = reached.volume or volume_of(copy(repository, source))
    assert problems_of(world.open(), {volume: "it"}) == []


@pytest.mark.parametrize("ahead", SKEWS)
def test_the_slices_of_a_copy_are_kept_for_a_day_of_the_store(ahead: timedelta, world: World, source: Path) -> None:
    world.open().copy(source, parent=None, checkpoint=None, stop=every(3), progress=quiet)
    assert len(list(world.store.list(PARTIAL))) == 1
    world.time += 23 * HOUR
    world.open(ahead).prune(set)
    assert len(list(world.store.list(PARTIAL))) == 1
    world.time += 2 * HOUR
    world.open(ahead).prune(set)
    assert list(world.store.list(PARTIAL)) == []


class After(WrappedStore):
    """Calls `act` once, after an operation below `where`."""

    def __init__(self, store: ObjectStore, operation: str, where: str, act: Callable[[], None]) -> None:
        super().__init__(store)
        self._on, self._act = (operation, where), [act]

    def put(self, key: str, body: bytes | bytearray) -> None:
        super().put(key, body)
        self._done("put", key)

    def delete(self, key: str) -> None:
        super().delete(key)
        self._done("delete", key)

    def _done(self, operation: str, key: str) -> None:
        if operation == self._on[0] and key.startswith(self._on[1]) and self._act:
            self._act.pop()()


@pytest.mark.parametrize("prunes", [True, False])
@pytest.mark.parametrize(("operation", "where"), [("put", VOLUMES), ("delete", PARTIAL)])
def test_a_machine_that_stood_still_tells_of_no_volume_that_may_go(
    operation: str, where: str, prunes: bool, world: World, source: Path, tmp_path: Path
) -> None:
    """Its own clock has not noticed: for it no time has gone by."""
    other = volume_of(copy(world.open(), source))  # keeps all packs
    started = world.time

    def stand_still() -> None:
        world.time += 30 * HOUR
        if prunes:
            world.open().prune(lambda: {other})

    held = After(world.store, operation, where, stand_still)
    repository = new_repository(held, limits=MANY_PACKS, graces=Graces(), now=lambda: started)
    reached = repository.copy(source, parent=None, checkpoint=None, stop=never, progress=quiet)
    assert reached.volume is None
    assert {found.key for found in world.store.list(VOLUMES)} == {VOLUMES + other}
    volume = volume_of(copy(repository, source))
    assert restore(world.open(), volume, tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == digests(source)
