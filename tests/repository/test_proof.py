"""Pruners and repairs prove what they rely on: a lost index object or record costs no pack, whoever runs when."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import Code, Damaged, TransientError
from tests.support.repositories import MANY_PACKS, Killed, WrappedStore, digests, fill
from tests.support.volumes import (
    copy,
    damaged,
    every,
    never,
    new_repository,
    objects,
    problems_of,
    quiet,
    restore,
    volume_of,
)
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore
from workers.repository import VolumeRepository
from workers.repository.format import index_object
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import INDEX, MARKS, PACKS, VOLUMES, name_of
from workers.repository.upkeep import repair_index

FILES = 24


class Shop:
    """One volume, two days old, in packs that several index objects list; all graces are the usual ones."""

    def __init__(self, source: Path) -> None:
        self.source, self.time = source, datetime(2026, 11, 2, tzinfo=UTC)
        self.store = MemoryObjectStore(lambda: self.time)
        self.volume = volume_of(copy(self.open(), source))
        self.time += timedelta(days=2)

    def open(self, store: ObjectStore | None = None) -> VolumeRepository:
        """As a process with an empty cache does."""
        return new_repository(store or self.store, limits=MANY_PACKS, graces=Graces())

    def prune(self, *volumes: str) -> int:
        return self.open().prune(lambda: {self.volume, *volumes}).reclaimed_bytes

    def repair(self, store: ObjectStore | None = None) -> repair_index.Repaired:
        with self.open(store).new_view() as view:
            return repair_index.repair_index(view)

    def data_index(self) -> str:
        """An index object that lists data packs only."""
        sealed = self.open().sealed
        return next(
            key
            for key in objects(self.store, INDEX)
            if {pack.kind for pack in index_object.read(sealed, name_of(key))} == {"d"}
        )

    def is_whole(self, target: Path) -> bool:
        assert problems_of(self.open(), {self.volume: "it"}) == []
        return restore(self.open(), self.volume, target).lost == () and digests(target) == digests(self.source)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    fill(tmp_path / "source", files=FILES)
    return Shop(tmp_path / "source")


class Beside(WrappedStore):
    """Calls `act` once, before the first write or delete below `where`."""

    def __init__(self, store: ObjectStore, where: str, act: Callable[[], object], operation: str = "put") -> None:
        super().__init__(store)
        self._where, self._act, self._operation = where, [act], operation

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        super().before(operation, key, body)
        if operation == self._operation and key.startswith(self._where) and self._act:
            self._act.pop()()


def test_a_prune_after_the_loss_of_an_index_object_mends_it(shop: Shop, tmp_path: Path) -> None:
    shop.store.delete(shop.data_index())
    packs = set(objects(shop.store, PACKS))
    shop.prune()
    assert set(objects(shop.store, PACKS)) == packs
    assert shop.is_whole(tmp_path / "target")


def test_packs_that_nobody_needs_go_though_no_index_object_lists_them(shop: Shop) -> None:
    shop.prune()  # which puts the ballast there
    shop.store.delete(shop.data_index())
    shop.open().forget([shop.volume])
    before = sum(found.size for found in shop.store.list(""))
    reclaimed = shop.open().prune(set).reclaimed_bytes
    assert objects(shop.store, PACKS) == {}
    assert reclaimed > 0
    assert abs(before - sum(found.size for found in shop.store.list("")) - reclaimed) < 1024


def test_a_repair_that_is_killed_loses_nothing_to_the_next_prune(shop: Shop, tmp_path: Path) -> None:
    damaged(shop.store, shop.data_index())

    def die() -> None:
        raise Killed

    for operation in ("put", "delete"):
        with pytest.raises(Killed):
            shop.repair(Beside(shop.store, INDEX, die, operation))
        with pytest.raises(Damaged):
            shop.prune()
    shop.repair()
    shop.prune()
    assert shop.is_whole(tmp_path / "target")


@pytest.mark.parametrize("operation", ["put", "delete"])
def test_a_prune_beside_a_repair_takes_nothing_that_is_needed(operation: str, shop: Shop, tmp_path: Path) -> None:
    damaged(shop.store, shop.data_index())
    tried: list[bool] = []

    def prune() -> None:
        try:
            shop.prune()
        except Damaged:
            tried.append(False)
        else:
            tried.append(True)

    shop.repair(Beside(shop.store, INDEX, prune, operation))
    assert tried
    shop.prune()
    assert shop.is_whole(tmp_path / "target")


def test_a_repair_writes_before_it_deletes(shop: Shop) -> None:
    damaged(shop.store, shop.data_index())
    watched = WrappedStore(shop.store)
    shop.repair(watched)
    changes = [each for each in watched.operations if each.split()[0] in ("put", "delete")]
    assert changes == sorted(changes, key=lambda change: change.startswith("delete"))


def test_a_record_that_is_gone_and_that_a_job_refers_to_stops_the_prune(shop: Shop, tmp_path: Path) -> None:
    body = shop.store.get(VOLUMES + shop.volume)
    shop.store.delete(VOLUMES + shop.volume)
    packs = set(objects(shop.store, PACKS))
    with pytest.raises(Damaged) as told:
        shop.prune()
    assert (told.value.code, told.value.subject) == (Code.RECORD_UNREADABLE, VOLUMES + shop.volume)
    assert set(objects(shop.store, PACKS)) == packs
    shop.store.put(VOLUMES + shop.volume, body)
    assert shop.is_whole(tmp_path / "target")


def test_a_backup_that_is_deleted_meanwhile_does_not_stop_the_prune(shop: Shop) -> None:
    shop.open().forget([shop.volume])
    asked = [{shop.volume}, set[str]()]
    assert shop.open().prune(lambda: asked.pop(0)).reclaimed_bytes > 0
    assert objects(shop.store, PACKS) == {}


def test_a_chunk_that_is_nowhere_stops_the_prune_until_somebody_has_been_told(shop: Shop) -> None:
    other = shop.source / "other"
    other.write_bytes(b"of a backup that is deleted")
    second = volume_of(copy(shop.open(), shop.source))
    shop.open().forget([second])
    shop.time += timedelta(days=2)
    gone = next(each for each in objects(shop.store, PACKS) if each.endswith(listed_in(shop)))
    shop.store.delete(gone)
    with pytest.raises(Damaged) as told:
        shop.prune()
    assert told.value.code == Code.INDEX_DAMAGED
    assert objects(shop.store, MARKS) == {}
    assert problems_of(shop.open(), {shop.volume: "it"}) != []
    assert shop.prune() > 0


def listed_in(shop: Shop) -> str:
    """A pack of the index object that lists data alone."""
    return index_object.read(shop.open().sealed, name_of(shop.data_index()))[0].id.hex()


def test_the_second_place_of_a_chunk_is_kept_when_the_first_is_gone(shop: Shop, tmp_path: Path) -> None:
    """Two copies at once have stored everything twice; then somebody loses the packs of one of them."""
    twin = MemoryObjectStore(lambda: shop.time - timedelta(days=2))
    copy(shop.open(twin), shop.source)
    for found in [*twin.list(PACKS), *twin.list(INDEX)]:
        shop.store.put(found.key, twin.get(found.key))
    shop.time += timedelta(days=2)
    for key in objects(twin, PACKS):
        if not shop_has_volume_tree_in(shop, key):
            shop.store.delete(key)
    for _ in range(2):
        shop.prune()
    assert restore(shop.open(), shop.volume, tmp_path / "target").lost == ()


def shop_has_volume_tree_in(shop: Shop, key: str) -> bool:
    """Whether a pack holds tree chunks, of which each copy has its own."""
    with shop.open().new_view() as view:
        view.look()
        return any(pack.kind == "t" for pack in view.index.packs() if pack.id.hex() == name_of(key))


def test_a_mark_that_somebody_deletes_stops_its_prune(shop: Shop) -> None:
    shop.open().forget([shop.volume])
    packs = set(objects(shop.store, PACKS))
    with pytest.raises(TransientError):
        shop.open(Forgetting(shop.store)).prune(set)
    assert set(objects(shop.store, PACKS)) == packs


class Forgetting(WrappedStore):
    """Loses every mark at once."""

    def put(self, key: str, body: bytes | bytearray) -> None:
        super().put(key, body)
        if key.startswith(MARKS):
            self.store.delete(key)


# --- copies


@pytest.mark.parametrize("resumed", [False, True])
def test_a_copy_after_the_loss_of_an_index_object_stores_again_what_it_lacks(
    resumed: bool, shop: Shop, tmp_path: Path
) -> None:
    shop.store.delete(shop.data_index())
    second = volume_of(copy(shop.open(), shop.source, parent=shop.volume, stop=every(5) if resumed else never))
    told = [str(each) for each in problems_of(shop.open(), {second: "second"})]
    assert [each for each in told if "in no index object" not in each] == []
    assert restore(shop.open(), second, tmp_path / "target").lost == ()


def test_an_index_object_that_is_lost_during_a_copy_is_noticed_before_it_is_told(shop: Shop, tmp_path: Path) -> None:
    lost: list[str] = []

    def lose() -> None:
        lost.append(shop.data_index())
        shop.store.delete(lost[0])

    (shop.source / "new").write_bytes(b"new")
    repository = shop.open(Beside(shop.store, VOLUMES, lose))
    first = repository.copy(shop.source, parent=shop.volume, checkpoint=None, stop=never, progress=quiet)
    assert lost
    assert first.volume is None
    second = volume_of(copy(repository, shop.source, parent=shop.volume))
    assert restore(shop.open(), second, tmp_path / "target").lost == ()


def test_what_an_earlier_slice_has_stored_is_looked_up_before_a_copy_is_told(shop: Shop, tmp_path: Path) -> None:
    fill(shop.source, files=FILES, seed=3)
    repository = shop.open()
    reached = repository.copy(shop.source, parent=shop.volume, checkpoint=None, stop=every(12), progress=quiet)
    assert reached.checkpoint
    shop.store.delete(shop.data_index())
    volume = None
    while volume is None:
        reached = shop.open().copy(
            shop.source, parent=shop.volume, checkpoint=reached.checkpoint, stop=never, progress=quiet
        )
        volume = reached.volume
    assert restore(shop.open(), volume, tmp_path / "target").lost == ()
