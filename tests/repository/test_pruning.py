"""Prune reclaims what it says, on a full store too, and may be killed anywhere (FORMAT 10)."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.errors import Damaged, TransientError
from tests.support.broken_musts import broken_musts
from tests.support.repository_model import make_small, with_clock, with_random, without_threads
from tests.support.simulated_store import Killed, SimulatedStore
from tests.support.simulation import Simulation
from tests.support.volumes import copy, differences, new_repository, objects, problems_of, restore, volume_of
from workers.adapters.memory import MemoryObjectStore
from workers.ports import ObjectStore
from workers.repository import VolumeRepository, keyring
from workers.repository.layout import BALLAST, VOLUMES
from workers.repository.pruning import Graces

MIB = 1024 * 1024
KEYS = keyring.derive(bytes(range(keyring.MASTER)))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    root.mkdir()
    for number in range(6):
        (root / f"file {number}").write_bytes(os.urandom(60_000))
    return root


def size(store: ObjectStore) -> int:
    return sum(size for key, size in objects(store).items() if key.startswith("repository/") and key != BALLAST)


def test_what_is_reclaimed_is_what_the_store_holds_less(source: Path, tmp_path: Path) -> None:
    store = MemoryObjectStore()
    repository = new_repository(store)
    first = volume_of(copy(repository, source))
    (source / "large").write_bytes(os.urandom(5 * MIB))
    second = volume_of(copy(repository, source, parent=first))
    assert repository.prune(lambda: {first, second}) == 0
    before = size(store)
    repository.forget([second])
    forgotten = size(store)
    reclaimed = repository.prune(lambda: {first})
    marks = sum(objects(store, "repository/marks/").values())
    assert forgotten - size(store) == reclaimed - marks
    assert before - size(store) > 5 * MIB
    restore(repository, first, tmp_path / "target")
    assert problems_of(repository, {first: "first"}) == []


def test_a_pack_of_which_little_is_left_is_written_anew(source: Path, tmp_path: Path) -> None:
    (source / "large").write_bytes(os.urandom(8 * MIB))
    store = MemoryObjectStore()
    repository = new_repository(store)
    first = volume_of(copy(repository, source))
    (source / "large").unlink()
    second = volume_of(copy(repository, source, parent=first))
    repository.forget([first])
    assert repository.prune(lambda: {second}) > 7 * MIB
    assert size(store) < MIB
    restore(repository, second, tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""


def test_young_packs_and_young_records_stay(source: Path) -> None:
    store = MemoryObjectStore()
    volume = volume_of(copy(new_repository(store), source))
    careful = new_repository(store, graces=Graces())
    assert careful.prune(set) == 0
    assert f"{VOLUMES}{volume}" in objects(store)
    hasty = new_repository(store, graces=Graces(pack=timedelta(hours=1), orphan=timedelta(0)))
    hasty.prune(set)
    assert f"{VOLUMES}{volume}" not in objects(store)
    assert objects(store, "repository/packs/")


def test_an_unreadable_record_stops_the_prune(source: Path) -> None:
    store = MemoryObjectStore()
    repository = new_repository(store)
    first, second = volume_of(copy(repository, source)), volume_of(copy(repository, source))
    store.put(f"{VOLUMES}{first}", b"nonsense")
    with pytest.raises(Damaged, match="nothing was pruned"):
        repository.prune(lambda: {first, second})
    assert problems_of(repository, {second: "second"}) == []


class FullStore(SimulatedStore):
    """Takes no more than `most_bytes`."""

    most_bytes: int | None = None

    def size(self) -> int:
        """All bytes."""
        return sum(len(body) for body, _ in self.objects.values())

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        if self.most_bytes is not None and self.size() + len(body) > self.most_bytes:
            raise TransientError(f"could not write {key}: the store is full; make room")
        super().put(key, body)


class World:
    """A repository in a simulated store with a volume that stays, and one that goes."""

    def __init__(self, source: Path, patch: pytest.MonkeyPatch) -> None:
        self.simulation = Simulation(1)
        make_small(patch)
        without_threads(patch)
        with_clock(patch, lambda: self.simulation.now)
        with_random(patch, self.simulation.random)
        self.store = FullStore(self.simulation)
        self.kept = volume_of(copy(self.repository(), source))
        for number in range(3):
            (source / f"file {number}").write_bytes(self.simulation.random.randbytes(20_000))
        self.goes = volume_of(copy(self.repository(), source, parent=self.kept))
        self.store.note("told", self.kept)
        self.simulation.advance(timedelta(hours=2))

    def repository(self) -> VolumeRepository:
        """As a new process opens it."""
        return VolumeRepository(self.store, KEYS, graces=Graces())

    def forget(self) -> None:
        """The volume that goes."""
        self.repository().forget([self.goes])

    def prune(self) -> int:
        """Keeps the volume that stays."""
        return self.repository().prune(lambda: {self.kept})

    def is_whole(self) -> bool:
        """All of the volume that stays can be read, and no *must* was broken."""
        problems = problems_of(self.repository(), {self.kept: "kept"})
        return problems == [] and broken_musts(self.store.history, KEYS) == []


def test_a_prune_killed_at_any_request_loses_nothing_and_is_finished_by_the_next(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = None
    for kill_at in range(1, 400):
        with monkeypatch.context() as patched:
            for number in range(6):
                (source / f"file {number}").write_bytes(b"%d" % number * 20_000)
            found = World(source, patched)
            found.forget()
            survived = _killed_at(found, kill_at)
            for _ in range(2):
                found.simulation.advance(timedelta(hours=2))
                found.prune()
            packs = len(objects(found.store, "repository/packs/"))
            left = left or packs
            assert packs == left
            assert survived or kill_at % 5 or found.is_whole()
            if survived:
                assert kill_at > 20
                assert found.is_whole()
                return
    raise AssertionError("a prune takes more than 400 requests")


def _killed_at(found: World, request: int) -> bool:
    """Whether the prune ended before."""
    found.store.kill_after(request)
    try:
        found.prune()
        return True
    except Killed:
        return False
    finally:
        found.store.revive()


def test_a_store_that_is_full_is_pruned(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = World(source, monkeypatch)
    found.repository().prune(lambda: {found.kept, found.goes})
    assert BALLAST in objects(found.store)
    found.forget()
    found.store.most_bytes = found.store.size()
    with pytest.raises(TransientError, match="full"):
        found.store.put("another", b"x")
    assert found.prune() > 50_000
    assert found.is_whole()
