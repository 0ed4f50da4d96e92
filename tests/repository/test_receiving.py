"""A volume that another repository receives is the same there, byte for byte, whatever happens on the way; and what is
there already is neither read nor uploaded."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import Damaged, NotFound
from tests.repository.test_round_trip import KINDS, ROOT_ONLY, extended_attributes, listing
from tests.support.receiving import elsewhere, received, slices
from tests.support.repositories import MANY_PACKS, DyingStore, Killed, bodies, fill, size_of, small_repository
from tests.support.repository_model import IN_MEMORY, edit, tree_at
from tests.support.volumes import (
    copy,
    damaged,
    differences,
    every,
    never,
    new_repository,
    objects,
    problems_of,
    quiet,
    removed_at_end,
    restore,
    volume_of,
)
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ReceivedSlice
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Limits
from workers.repository.format.layout import DAMAGE, INDEX, PACKS, PARTIAL, VOLUMES, name_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    place.mkdir()
    fill(place)
    return place


def tree_by_tree() -> VolumeRepository:
    """From it, each slice takes one tree chunk, if it is to end soon."""
    return new_repository(MemoryObjectStore(), limits=replace(MANY_PACKS, batch_content=1))


def id_of(reached: ReceivedSlice) -> str:
    assert reached.volume is not None
    return reached.volume


@ROOT_ONLY
@pytest.mark.parametrize("stop", [never, every(2)], ids=["whole", "slices"])
@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_what_a_file_system_holds_comes_back_from_where_it_was_received(
    kind: Callable[[Path], None], stop: Callable[[], bool], tmp_path: Path
) -> None:
    limits = Limits() if stop is never else Limits(tree_chunk=2048, tree_chunk_most=4096, batch_content=1)
    with removed_at_end(Path(IN_MEMORY or tmp_path) / f"{tmp_path.name}-{os.getpid()}") as top:
        tree, target = top / "source", top / "target"
        tree.mkdir()
        kind(tree)
        source, there = new_repository(MemoryObjectStore(), limits=limits), MemoryObjectStore()
        copied = volume_of(copy(source, tree))
        volume = id_of(received(copied, source, elsewhere(there, limits=limits), stop=stop))
        restored = restore(elsewhere(there, limits=limits), volume, target)
        assert (restored.warnings, restored.lost) == ((), ())
        assert differences(tree, target) == ""
        for program in (listing, extended_attributes):
            assert program(tree) == program(target)


@pytest.mark.parametrize("seed", range(12))
def test_small_trees_that_change_are_received_again_and_again(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    source, target = tree_by_tree(), elsewhere(MemoryObjectStore())
    with removed_at_end(Path(IN_MEMORY or tmp_path) / f"{tmp_path.name}-{os.getpid()}") as top:
        root = top / "source"
        root.mkdir()
        parent: str | None = None
        like: tuple[str, str] | None = None
        for number in range(5):
            for _ in range(chance.randrange(1, 30)):
                edit(root, chance)
            parent = volume_of(copy(source, root, parent=parent))
            volume = id_of(received(parent, source, target, like=like, stop=every(chance.randrange(1, 4))))
            if chance.random() < 0.8:
                like = parent, volume
            restore(target, volume, top / f"restored {number}")
            assert tree_at(top / f"restored {number}") == tree_at(root)
        assert problems_of(target, {volume: "it"}) == []


def test_of_what_is_there_nothing_is_read_or_uploaded_again(root: Path) -> None:
    (root / "large").write_bytes(random.Random(5).randbytes(500_000))
    source, target = small_repository(MemoryObjectStore()), elsewhere(MemoryObjectStore())
    first = volume_of(copy(source, root))
    at_first = received(first, source, target)
    assert at_first.read_bytes >= 750_000
    assert at_first.uploaded_bytes >= 750_000
    (root / "a" / "new").write_bytes(random.Random(6).randbytes(20_000))
    second = volume_of(copy(source, root, parent=first))
    then = received(second, source, target, like=(first, id_of(at_first)))
    assert 20_000 <= then.read_bytes < 60_000
    assert 20_000 <= then.uploaded_bytes < 60_000
    again = received(second, source, target, like=(second, id_of(then)))
    assert again.read_bytes == 0


def test_what_is_there_for_another_reason_is_read_and_not_uploaded(root: Path) -> None:
    source, target = small_repository(MemoryObjectStore()), elsewhere(MemoryObjectStore())
    copied = volume_of(copy(source, root))
    received(copied, source, target)
    again = received(copied, source, target)
    assert again.read_bytes > 0
    assert again.uploaded_bytes == 0


@pytest.mark.parametrize("like", ["another volume", "none that is there", "the same"])
def test_a_wrong_likeness_costs_time_and_nothing_else(like: str, root: Path, tmp_path: Path) -> None:
    source, target = small_repository(MemoryObjectStore()), elsewhere(MemoryObjectStore())
    (tmp_path / "other").mkdir()
    fill(tmp_path / "other", seed=2)
    copied, other = volume_of(copy(source, root)), volume_of(copy(source, tmp_path / "other"))
    there = id_of(received(other, source, target))
    pairs = {"another volume": (copied, there), "none that is there": ("0" * 32, "1" * 32), "the same": (other, there)}
    volume = id_of(received(copied, source, target, like=pairs[like]))
    restore(target, volume, tmp_path / "target")
    assert differences(root, tmp_path / "target") == ""


def test_content_that_is_lost_is_told_by_name_and_nothing_is_received(root: Path) -> None:
    store, there = MemoryObjectStore(), MemoryObjectStore()
    source = small_repository(store)
    copied = volume_of(copy(source, root))
    [pack, *_] = sorted(objects(store, PACKS), key=lambda key: -objects(store, PACKS)[key])
    damaged(store, pack)
    with pytest.raises(Damaged, match=r"this volume: [abc]/1-\d+"):
        received(copied, source, elsewhere(there))
    assert objects(there, VOLUMES) == {}
    assert objects(store, DAMAGE)
    volume_of(copy(source, root, parent=copied))  # stores it again
    received(copied, source, elsewhere(there))


def test_a_tree_that_is_lost_is_told_too(root: Path) -> None:
    store = MemoryObjectStore()
    source = small_repository(store)
    copied = volume_of(copy(source, root))
    for key in objects(store, PACKS):
        store.delete(key)
    with pytest.raises(Damaged, match="all files listed in it"):
        received(copied, source, elsewhere(MemoryObjectStore()))


def test_a_volume_that_was_deleted_is_not_there(root: Path) -> None:
    source = small_repository(MemoryObjectStore())
    copied = volume_of(copy(source, root))
    source.forget([copied])
    with pytest.raises(NotFound):
        received(copied, source, elsewhere(MemoryObjectStore()))


def test_a_prune_between_two_slices_makes_it_begin_anew(root: Path, tmp_path: Path) -> None:
    source, there = tree_by_tree(), MemoryObjectStore()
    target = elsewhere(there)
    copied = volume_of(copy(source, root))
    pruned = False
    for reached in slices(copied, source, target, stop=lambda: True):
        if not pruned:
            pruned = True
            assert reached.volume is None
            for key in objects(there, PARTIAL):
                there.delete(key)
            target.prune(set)
    volume = id_of(reached)
    assert problems_of(target, {volume: "it"}) == []
    restore(target, volume, tmp_path / "target")
    assert differences(root, tmp_path / "target") == ""


class Dying:
    """Receives in processes that are killed at their first, second, third ... request; what each has kept is what its
    slices returned."""

    def __init__(self, volume: str, source: VolumeRepository, there: MemoryObjectStore) -> None:
        self.volume, self.source, self.there = volume, source, there
        self.checkpoint: bytes | None = None
        self.kills = 0

    def live(self, at: int, *, done: bool) -> str | None:
        """The volume, if this process came so far."""
        target = elsewhere(DyingStore(self.there, at, done=done))
        try:
            while True:
                reached = target.receive(
                    self.volume, self.source, like=None, checkpoint=self.checkpoint, stop=lambda: True, progress=quiet
                )
                if reached.volume:
                    return reached.volume
                self.checkpoint = reached.checkpoint
        except Killed:
            self.kills += 1
            return None


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_killed_at_every_request_it_goes_on_and_ends_the_same(done: bool, root: Path, tmp_path: Path) -> None:
    source, there = tree_by_tree(), MemoryObjectStore()
    elsewhere(there)
    dying = Dying(volume_of(copy(source, root)), source, there)
    at, volume = 2, None
    while volume is None:
        volume, at = dying.live(at, done=done), at + 1
    assert dying.kills >= 10
    target = elsewhere(there)
    restore(target, volume, tmp_path / "target")
    assert differences(root, tmp_path / "target") == ""
    content = size_of(there, PACKS)
    for left in set(objects(there, VOLUMES)) - {VOLUMES + volume}:
        assert name_of(left) != volume  # of a process that died before it told of it
    target.prune(lambda: {volume or ""})
    assert size_of(there, PACKS) <= content
    assert problems_of(target, {volume: "it"}) == []
    assert set(bodies(there, VOLUMES)) == {VOLUMES + volume}
    assert objects(there, INDEX)
