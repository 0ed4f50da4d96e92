"""What the store keeps locked stays, is told with the time when it is free, and all else goes on; then it goes, too."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.locking_store import LockingStore
from tests.support.repositories import MANY_PACKS, bodies, digests, fill, size_of
from tests.support.volumes import copy, new_repository, objects, problems_of, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format.layout import PACKS, ROOT, VOLUMES
from workers.repository.upkeep import prune

MONTH = timedelta(days=30)


class Clock:
    """Moved on by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now, and a little later each time."""
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def repository_in(store: LockingStore, clock: Clock) -> VolumeRepository:
    return new_repository(store, limits=MANY_PACKS, now=clock)


@pytest.mark.parametrize("says_so", [True, False])
def test_locked_packs_stay_until_their_time_and_then_go(tmp_path: Path, clock: Clock, says_so: bool) -> None:
    store = LockingStore(
        MemoryObjectStore(clock), lambda key: MONTH if key.startswith(PACKS) else None, clock, says_so=says_so
    )
    repository, source = repository_in(store, clock), tmp_path / "source"
    fill(source, files=12)
    volume = volume_of(copy(repository, source))
    written = clock.now
    repository.forget([volume])
    packs = set(objects(store, PACKS))
    kept = size_of(store, PACKS)
    clock.now += timedelta(days=1)

    pruned = repository.prune(set)
    assert set(objects(store, PACKS)) == packs
    assert pruned.locked_bytes == kept
    assert pruned.locked_until is not None
    assert timedelta(0) <= written + MONTH - pruned.locked_until < timedelta(seconds=10)
    assert objects(store, VOLUMES) == {}
    assert problems_of(repository, {}) == []

    clock.now += MONTH
    again = repository.prune(set)
    assert (again.locked_bytes, again.locked_until) == (0, None)
    assert again.reclaimed_bytes >= kept * 0.9
    assert objects(store, PACKS) == {}
    repository.prune(set)
    assert {key.split("/")[1] for key in objects(store, ROOT)} <= {"keys", "marks", "ballast", "clock"}


@pytest.mark.parametrize("says_so", [True, False])
def test_what_is_not_locked_goes_beside_what_is(tmp_path: Path, clock: Clock, says_so: bool) -> None:
    locked: set[str] = set()
    store = LockingStore(MemoryObjectStore(clock), lambda key: MONTH if key in locked else None, clock, says_so=says_so)
    repository, source = repository_in(store, clock), tmp_path / "source"
    fill(source, files=12)
    first = volume_of(copy(repository, source))
    of_first = objects(store, PACKS)
    locked |= set(sorted(of_first)[::2])
    shutil.rmtree(source)
    fill(source, seed=2, files=5)  # so that nothing of the first is in use
    second, content = volume_of(copy(repository, source, parent=first)), digests(source)
    repository.forget([first])
    with repository.new_view() as view:
        foreseen = prune.foresee(view, lambda: {second})

    pruned = repository.prune(lambda: {second})
    assert objects(store, PACKS).keys() & of_first.keys() == locked
    assert locked < of_first.keys()
    assert pruned.reclaimed_bytes > 0
    assert pruned.locked_bytes == sum(of_first[pack] for pack in locked)
    if says_so:
        assert foreseen.locked_bytes == pruned.locked_bytes
    assert problems_of(repository, {second: "b"}) == []
    restored = restore(repository, second, tmp_path / "target")
    assert (restored.lost, digests(tmp_path / "target")) == ((), content)


def test_records_index_and_marks_that_are_locked_stop_no_prune(tmp_path: Path, clock: Clock) -> None:
    """Whatever a bucket may lock: all of it, for a month."""
    store = LockingStore(MemoryObjectStore(clock), lambda _key: MONTH, clock, says_so=False)
    repository, source = repository_in(store, clock), tmp_path / "source"
    fill(source, files=6)
    first = volume_of(copy(repository, source))
    content = digests(source)
    second = volume_of(copy(repository, source, parent=first))
    repository.forget([first])
    clock.now += timedelta(days=2)
    before = bodies(store)
    for _ in range(2):
        assert repository.prune(lambda: {second}).locked_bytes > 0
    assert before.keys() <= bodies(store).keys()
    restored = restore(repository, second, tmp_path / "target")
    assert (restored.lost, digests(tmp_path / "target")) == ((), content)
    repository.forget([second])
    clock.now += 2 * MONTH
    repository.forget([first, second])
    for _ in range(3):
        repository.prune(set)
        clock.now += MONTH
    assert (objects(store, PACKS), objects(store, VOLUMES)) == ({}, {})
