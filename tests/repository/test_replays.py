"""Old index objects that are put back, and packs that went: no copy relies on a pack that is not there (F43)."""

from pathlib import Path

import pytest

from tests.support.repositories import MANY_PACKS, bodies, digests, fill, small_repository
from tests.support.volumes import copy, every, never, new_repository, objects, problems_of, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format.layout import INDEX, MARKS, PACKS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source")
    return tmp_path / "source"


def clean(store: MemoryObjectStore, *volumes: str) -> bool:
    """Whether nothing is wrong, once a prune has tidied up."""
    small_repository(store).prune(lambda: set(volumes))
    return problems_of(small_repository(store), dict.fromkeys(volumes, "it")) == []


def put_back_old_index(store: MemoryObjectStore, volume: str, kept: str) -> None:
    """The volume is deleted, and when that is forgotten, the index objects of its packs are put back."""
    old = bodies(store, INDEX)
    repository = small_repository(store)
    repository.forget([volume])
    for _ in range(2):
        repository.prune(lambda: {kept})
    assert not objects(store, MARKS), "the graces of these tests are over at once"
    for key, body in old.items():
        store.put(key, body)


@pytest.mark.parametrize("slices", ["one slice", "many slices"])
def test_an_old_index_object_that_is_put_back_is_not_believed(slices: str, source: Path, tmp_path: Path) -> None:
    store = MemoryObjectStore()
    other = tmp_path / "other"
    fill(other, seed=2)
    first, kept = (volume_of(copy(small_repository(store), each)) for each in (source, other))
    put_back_old_index(store, first, kept)
    stop = every(2) if slices == "many slices" else never
    volume = volume_of(copy(small_repository(store), source, stop=stop))
    assert restore(small_repository(store), volume, tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == digests(source)
    assert clean(store, volume, kept)


def test_what_was_in_a_pack_that_went_is_stored_again_by_the_next_copy(source: Path, tmp_path: Path) -> None:
    store = MemoryObjectStore()
    volume = volume_of(copy(small_repository(store), source))
    store.delete(max(objects(store, PACKS).items(), key=lambda each: each[1])[0])
    again = volume_of(copy(small_repository(store), source, parent=volume))
    for number, each in enumerate((volume, again)):
        assert restore(small_repository(store), each, tmp_path / f"target-{number}").lost == ()
        assert digests(tmp_path / f"target-{number}") == digests(source)
    assert clean(store, volume, again)


def test_a_node_looks_for_a_pack_once(source: Path, tmp_path: Path) -> None:
    store = MemoryObjectStore()
    volume = volume_of(copy(small_repository(store), source))
    node = new_repository(store, cache=tmp_path / "cache", limits=MANY_PACKS)
    for repository in (node, new_repository(store, cache=tmp_path / "cache", limits=MANY_PACKS)):
        volume = volume_of(copy(repository, source, parent=volume))
    with node.new_view() as view:
        assert view.index.unproven(view.index.pack_sizes()) == set()
