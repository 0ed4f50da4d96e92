"""A check beside a prune raises no false alarm; what is not ours in the bucket holds up nobody."""

from pathlib import Path

import pytest

from tests.support.repositories import WrappedStore, fill, small_repository
from tests.support.volumes import copy, objects, problems_of, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore
from workers.repository.format.layout import DAMAGE, PACKS


class Pruned(WrappedStore):
    """A prune comes by when packs are listed, or read, for the first time."""

    def __init__(self, store: ObjectStore, operation: str, kept: set[str]) -> None:
        super().__init__(store)
        self._operation, self._kept, self.done = operation, kept, False

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        if operation == self._operation and key.startswith(PACKS) and not self.done:
            self.done = True
            small_repository(self.store).prune(lambda: self._kept)


@pytest.mark.parametrize("operation", ["list", *["get"] * 10])  # which pack is the first depends on chance
def test_a_prune_beside_a_verification_is_no_damage(operation: str, tmp_path: Path) -> None:
    source, store = tmp_path / "source", MemoryObjectStore()
    fill(source, files=24)
    first = volume_of(copy(small_repository(store), source))
    for number, path in enumerate(sorted(source.rglob("1-*"))):
        if number % 4 != 1:
            path.unlink()
    second = volume_of(copy(small_repository(store), source, parent=first))
    small_repository(store).forget([first])
    beside = Pruned(store, operation, {second})
    assert problems_of(small_repository(beside), {second: "it"}) == []
    assert beside.done
    assert objects(store, DAMAGE) == {}


@pytest.mark.parametrize("below", ["index", "packs", "marks", "damage", "volumes", "partial"])
@pytest.mark.parametrize("name", ["", "README"])
def test_what_is_not_ours_holds_up_nobody(below: str, name: str, tmp_path: Path) -> None:
    source, store = tmp_path / "source", MemoryObjectStore()
    fill(source, files=2)
    volume = volume_of(copy(small_repository(store), source))
    store.put(f"repository/{below}/{name}", b"")
    second = volume_of(copy(small_repository(store), source, parent=volume))
    small_repository(store).prune(lambda: {volume, second})
    assert restore(small_repository(store), volume, tmp_path / "target").lost == ()
    assert f"repository/{below}/{name}" in objects(store, f"repository/{below}/")
