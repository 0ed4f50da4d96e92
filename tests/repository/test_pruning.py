"""Pruning gives back what it says, takes nothing that is needed, and may be killed or find no room at any moment."""

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import TransientError
from tests.support.repositories import (
    MANY_PACKS,
    DyingStore,
    FailingStore,
    FullStore,
    Killed,
    bodies,
    digests,
    fill,
    size_of,
    small_repository,
    twin,
)
from tests.support.volumes import (
    AT_ONCE,
    copy,
    every,
    key_record,
    new_repository,
    objects,
    problems_of,
    quiet,
    restore,
    volume_of,
)
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore, Pruned
from workers.repository import VolumeRepository
from workers.repository.format import keyring, marks
from workers.repository.format.ambient import Ambient, Graces
from workers.repository.format.layout import BALLAST, BALLAST_BYTES, CLOCK, INDEX, MARKS, PACKS, PARTIAL, ROOT, VOLUMES
from workers.repository.upkeep import prune

KIB = 1024


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source", files=12)
    return tmp_path / "source"


@pytest.fixture
def repository() -> VolumeRepository:
    return small_repository(MemoryObjectStore())


def opened(store: ObjectStore) -> VolumeRepository:
    """Without any operation of its own."""
    return VolumeRepository(store, key_record()[1], ambient=Ambient(MANY_PACKS, AT_ONCE))


def comes_back(store: ObjectStore, volume: str, source: dict[str, str], at: Path) -> None:
    """The snapshot is whole, by a process that has just started."""
    restored = restore(opened(store), volume, at)
    assert (restored.lost, restored.warnings) == ((), ())
    assert digests(at) == source
    shutil.rmtree(at)


def two_snapshots(repository: VolumeRepository, source: Path) -> tuple[str, str, dict[str, str]]:
    """The second shares a third of its files with the first. Both, and what the second holds."""
    first = volume_of(copy(repository, source))
    for directory in "ab":
        shutil.rmtree(source / directory)
    fill(source, seed=2, files=5)
    second = volume_of(copy(repository, source, parent=first))
    return first, second, digests(source)


def test_what_a_prune_says_is_what_the_store_has_less(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    first, second, content = two_snapshots(repository, source)
    assert repository.prune(lambda: {first, second}).reclaimed_bytes == 0
    repository.forget([first])
    before, there = size_of(repository.store), set(objects(repository.store, ROOT))
    with repository.new_view() as view:
        foreseen = prune.foresee(view, lambda: {second})
    assert set(objects(repository.store, ROOT)) - {CLOCK} == there - {CLOCK}
    reclaimed = repository.prune(lambda: {second}).reclaimed_bytes
    assert abs(reclaimed - foreseen.reclaimed_bytes) < before / 10
    marks = size_of(repository.store, MARKS)
    assert abs(before - size_of(repository.store) + marks - reclaimed) < 1 * KIB
    assert reclaimed > 7 * 24 * KIB * 0.9
    comes_back(repository.store, second, content, tmp_path / "target")
    assert problems_of(repository, {second: "b"}) == []


def test_when_all_is_deleted_nothing_is_left_but_keys(repository: VolumeRepository, source: Path) -> None:
    first, second, _ = two_snapshots(repository, source)
    repository.forget([first, second])
    repository.prune(set)
    repository.prune(set)
    left = {key.split("/")[1] for key in objects(repository.store, ROOT)}
    assert left <= {"keys", "marks", "ballast", "clock"}


def test_a_prune_with_nothing_to_do_changes_nothing(repository: VolumeRepository, source: Path) -> None:
    volume = volume_of(copy(repository, source))
    repository.prune(lambda: {volume})
    before = bodies(repository.store)
    assert repository.prune(lambda: {volume}).reclaimed_bytes == 0
    assert bodies(repository.store) == before


def test_a_volume_that_somebody_names_too_late_is_kept_by_its_record(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    """F25: no job refers to it yet, but it is not old."""
    content, volume = digests(source), volume_of(copy(repository, source))
    careful = new_repository(repository.store, limits=MANY_PACKS, graces=Graces(pack=timedelta(0), mark=timedelta(0)))
    assert careful.prune(set).reclaimed_bytes == 0
    comes_back(repository.store, volume, content, tmp_path / "target")


@pytest.mark.parametrize(
    ("kind", "age", "goes"),
    [
        (PACKS, timedelta(minutes=59), False),
        (PACKS, timedelta(minutes=61), True),
        (VOLUMES, timedelta(hours=23), False),
        (VOLUMES, timedelta(hours=25), True),
        (PARTIAL, timedelta(hours=23), False),
        (PARTIAL, timedelta(hours=25), True),
        (MARKS, timedelta(days=29), False),
        (MARKS, timedelta(days=31), True),
    ],
)
def test_what_is_younger_than_its_grace_stays(
    kind: str, age: timedelta, goes: bool, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [datetime.now(UTC) - age]
    store = MemoryObjectStore(clock=lambda: moment[0])
    repository = VolumeRepository(store, key_record()[1], ambient=Ambient(MANY_PACKS, Graces()))
    if kind == PARTIAL:
        repository.copy(source, parent=None, checkpoint=None, stop=lambda: True, progress=quiet)
    else:
        volume = volume_of(copy(repository, source))
    if kind == PACKS:
        repository.forget([volume])
    if kind == MARKS:
        marks.write(repository.sealed, [bytes(16)])
    before = objects(store, kind)
    assert before
    moment[0] = datetime.now(UTC)
    repository.prune(set)
    assert bool(set(before) - set(objects(store, kind))) == goes


def test_a_prune_says_what_is_too_young_and_until_when(source: Path) -> None:
    moment = [datetime(2026, 11, 26, 12, tzinfo=UTC)]
    store = MemoryObjectStore(clock=lambda: moment[0])
    repository = VolumeRepository(store, key_record()[1], ambient=Ambient(MANY_PACKS, Graces()))
    volume = volume_of(copy(repository, source))
    assert repository.prune(lambda: {volume}) == Pruned(0)
    repository.forget([volume])
    moment[0] += timedelta(minutes=59)
    until = datetime(2026, 11, 26, 13, tzinfo=UTC)
    young = size_of(store, PACKS)
    assert repository.prune(set) == Pruned(0, young, until)
    moment[0] = until + timedelta(seconds=1)
    later = repository.prune(set)
    assert (later.reclaimed_bytes >= young, later.young_bytes, later.young_until) == (True, 0, None)


def packs_written(store: FailingStore) -> int:
    return sum(operation.startswith(f"put {PACKS}") for operation in store.operations)


def test_what_a_killed_prune_has_written_anew_is_not_written_again(source: Path) -> None:
    """It had finished some packs, and there were more."""
    repository = small_repository(MemoryObjectStore())
    fill(source, files=48)
    volume = volume_of(copy(repository, source))
    for number, path in enumerate(sorted(source.rglob("1-*"))):
        if number % 4:
            path.unlink()
    kept = volume_of(copy(repository, source, parent=volume))
    repository.forget([volume])

    def written_until(marks_written: int) -> int:
        """The packs that a prune writes until it has written so many marks; then it is killed."""
        store, left = FailingStore(repository.store), marks_written

        def fault(operation: str, key: str) -> BaseException | None:
            nonlocal left
            left -= operation == "put" and key.startswith(MARKS)
            return Killed() if left < 0 else None

        store.fault = fault
        with suppress(Killed):
            opened(store).prune(lambda: {kept})
        return packs_written(store)

    undisturbed = FailingStore(twin(repository.store))
    opened(undisturbed).prune(lambda: {kept})
    first, rest = written_until(1), written_until(100)
    assert 0 < first < packs_written(undisturbed)
    assert first + rest <= packs_written(undisturbed) + 1, "what was under way is repeated, and no more"


def test_the_open_packs_of_a_copy_under_way_are_spared(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    """With the usual grace, a prune between any two slices takes nothing that the copy goes on to use."""
    content, checkpoint, slices = digests(source), None, 0
    pruner = new_repository(repository.store, limits=MANY_PACKS, graces=Graces())
    while True:
        reached = repository.copy(source, parent=None, checkpoint=checkpoint, stop=every(1), progress=quiet)
        before = objects(repository.store, PACKS)
        assert pruner.prune(set).reclaimed_bytes == 0
        assert objects(repository.store, PACKS) == before
        slices += 1
        if reached.volume:
            break
        checkpoint = reached.checkpoint
    assert slices > 2
    comes_back(repository.store, reached.volume, content, tmp_path / "target")


def test_a_copy_whose_packs_are_pruned_under_it_begins_anew_and_is_right(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    """Without any grace: the copy sees the marks (F21)."""
    content, checkpoint = digests(source), None
    for number in range(60):
        reached = repository.copy(source, parent=None, checkpoint=checkpoint, stop=every(1), progress=quiet)
        if reached.volume:
            break
        checkpoint = reached.checkpoint
        if number == 1:
            assert repository.prune(set).reclaimed_bytes > 0
    assert reached.volume
    comes_back(repository.store, reached.volume, content, tmp_path / "target")


def full(source: Path) -> tuple[FullStore, str, str, dict[str, str]]:
    """A store without room for a byte, with a snapshot to delete and one to keep."""
    store = FullStore(MemoryObjectStore())
    repository = small_repository(store)
    first, second, content = two_snapshots(repository, source)
    repository.prune(lambda: {first, second})
    store.most = size_of(store)
    return store, first, second, content


def test_a_full_store_is_pruned(source: Path, tmp_path: Path) -> None:
    store, first, second, content = full(source)
    with pytest.raises(TransientError, match="Full"):
        store.put("any", b"byte")
    repository = opened(store)
    repository.forget([first])
    store.most = size_of(store)  # what was the record's is somebody else's now
    assert repository.prune(lambda: {second}).reclaimed_bytes > 3 * 24 * KIB
    repository.prune(lambda: {second})
    assert objects(store, BALLAST) == {BALLAST: BALLAST_BYTES}
    comes_back(store, second, content, tmp_path / "target")
    assert problems_of(repository, {second: "b"}) == []


def test_a_store_that_was_filled_before_its_first_prune_is_pruned(source: Path) -> None:
    store = FullStore(MemoryObjectStore())
    keys = keyring.open_keys(store, "words")
    repository = VolumeRepository(store, keys, ambient=Ambient(MANY_PACKS, AT_ONCE))
    volume = volume_of(copy(repository, source))
    repository.forget([volume])
    store.most = size_of(store)
    assert repository.prune(set).reclaimed_bytes > 11 * 24 * KIB


def test_a_copy_into_a_full_store_fails_and_goes_on_when_there_is_room(source: Path, tmp_path: Path) -> None:
    store, _, second, _ = full(source)
    fill(source, seed=3)
    repository = opened(store)
    before = objects(store, VOLUMES)
    with pytest.raises(TransientError, match="Full"):
        copy(repository, source, parent=second)
    assert objects(store, VOLUMES) == before
    store.most = None
    comes_back(store, volume_of(copy(repository, source, parent=second)), digests(source), tmp_path / "target")


def test_a_store_that_stays_full_is_said_to_be_and_loses_nothing(source: Path, tmp_path: Path) -> None:
    store, first, second, content = full(source)
    repository = opened(store)
    repository.forget([first])
    store.delete(BALLAST)
    store.most = size_of(store)
    with suppress(TransientError):
        repository.prune(lambda: {second})
    comes_back(store, second, content, tmp_path / "target")


@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
def test_killed_at_any_operation_and_run_again_a_prune_ends_right(
    source: Path, tmp_path: Path, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = small_repository(MemoryObjectStore())
    first, second, content = two_snapshots(repository, source)
    repository.forget([first])
    undisturbed = twin(repository.store)
    small_repository(undisturbed).prune(lambda: {second})
    small_repository(undisturbed).prune(lambda: {second})
    at = killed = 0
    while killed == at:
        at += 1
        store = twin(repository.store)
        try:
            opened(DyingStore(store, at, done=done)).prune(lambda: {second})
        except Killed:
            killed += 1
        comes_back(store, second, content, tmp_path / "target")
        for _ in range(3):
            small_repository(store).prune(lambda: {second})
        comes_back(store, second, content, tmp_path / "target")
        assert abs(size_of(store, PACKS) - size_of(undisturbed, PACKS)) < 2 * KIB
        assert problems_of(small_repository(store), {second: "b"}) == []
        assert set(objects(store, VOLUMES)) == {VOLUMES + second}
        assert size_of(store, INDEX) < 1.5 * size_of(undisturbed, INDEX)
    assert killed > 20


def test_a_volume_that_a_job_refers_to_and_that_cannot_be_read_stops_the_prune(
    repository: VolumeRepository, source: Path
) -> None:
    first, second, _ = two_snapshots(repository, source)
    repository.forget([first])
    body = bytearray(repository.store.get(VOLUMES + second))
    body[20] ^= 1
    repository.store.put(VOLUMES + second, body)
    before = objects(repository.store, PACKS)
    with pytest.raises(Exception, match="nothing was pruned"):
        repository.prune(lambda: {second})
    assert objects(repository.store, PACKS) == before


def test_the_content_of_many_snapshots_is_kept_as_long_as_one_needs_it(
    repository: VolumeRepository, tmp_path: Path
) -> None:
    source, kept = tmp_path / "source", dict[str, dict[str, str]]()
    parent = None
    for number in range(6):
        fill(source, files=3, seed=number)
        if number > 2:
            os.unlink(source / "a" / f"{number - 3}-0")
        parent = volume_of(copy(repository, source, parent=parent))
        kept[parent] = digests(source)
    while kept:
        for number, (volume, content) in enumerate(kept.items()):
            comes_back(repository.store, volume, content, tmp_path / f"target {number}")
        gone = list(kept)[len(kept) // 2]
        del kept[gone]
        repository.forget([gone])
        repository.prune(lambda: set(kept))
        assert problems_of(repository, {each: each for each in kept}) == []
