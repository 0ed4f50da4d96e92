"""Writers, deletions and pruners at once on a store that fails, delays and repeats: every snapshot stays readable.

Each seed is one schedule. `SNAPLINE_SEEDS=1000` runs so many, `SNAPLINE_SEED=17` that one again.
"""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import TransientError
from tests.support.simulated_store import Faults, Killed, SimulatedStore, Simulation, one_thread_each, scaled_down
from tests.support.volumes import every, key_record, never, problems_of, quiet
from workers.ports import CopySlice
from workers.repository import VolumeRepository
from workers.repository.layout import FIRST_KEY, INDEX, MARKS, PACKS, PARTIAL, VOLUMES, name_of
from workers.repository.pruning import Graces

SEEDS = (
    [int(os.environ["SNAPLINE_SEED"])]
    if "SNAPLINE_SEED" in os.environ
    else range(int(os.environ.get("SNAPLINE_SEEDS", "60")))
)
Content = dict[str, bytes]
UNRELIABLE = Faults(refused=0.01, answer_lost=0.01, late=0.01, twice=0.02, killed=0.01)


@dataclass
class World:
    """`kept` are the volumes that jobs refer to, and what is in them."""

    simulation: Simulation
    store: SimulatedStore
    tmp: Path
    kept: dict[str, Content] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    blocks: list[bytes] = field(default_factory=list)

    def repository(self, node: str | None = None) -> VolumeRepository:
        """As a process that has just started opens it."""
        cache = self.tmp / node if node and self.simulation.chance(0.5) else None
        return VolumeRepository(self.store, key_record()[1], cache=cache, graces=Graces())


def world(seed: int, tmp: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    simulation = Simulation(seed, step=timedelta(minutes=2))
    record, keys = key_record()
    scaled_down(monkeypatch)
    one_thread_each(monkeypatch, simulation)
    store = SimulatedStore(simulation, keys)
    store.create(FIRST_KEY, record)
    store.faults = UNRELIABLE if seed % 3 else Faults()
    return World(simulation, store, tmp, blocks=[simulation.dice.randbytes(7_000) for _ in range(6)])


def content_of(found: World) -> Content:
    """Files of a few blocks that other writers have too, and of some that nobody has."""
    chance = found.simulation.dice
    return {
        f"{chance.choice('abc')}/{number}": b"".join(
            chance.choice([*found.blocks, chance.randbytes(3_000)]) for _ in range(chance.randrange(4))
        )
        for number in range(chance.randrange(1, 6))
    }


def write(content: Content, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for path, data in content.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)


def writer(found: World, name: str, copies: int) -> None:
    """A node that copies what changes, and deletes some of what it has copied."""
    mine: list[str] = []
    chance = found.simulation.dice
    for _ in range(copies):
        content = content_of(found)
        root = found.tmp / f"source {name}"
        write(content, root)
        volume = persistent_copy(found, name, root, mine[-1] if mine and chance.random() < 0.7 else None)
        found.kept[volume] = content
        mine.append(volume)
        if len(mine) > 1 and chance.random() < 0.5:
            forget(found, mine.pop(0))


def persistent_copy(found: World, name: str, root: Path, parent: str | None) -> str:
    """As the step does it: slice after slice, again from the last checkpoint when one fails."""
    checkpoint, chance = None, found.simulation.dice
    slow = chance.random() < 0.2
    for _ in range(200):
        repository = found.repository(name)
        stop = every(1) if chance.random() < 0.4 else never
        try:
            reached: CopySlice = repository.copy(root, parent=parent, checkpoint=checkpoint, stop=stop, progress=quiet)
        except (TransientError, Killed):
            continue
        if reached.volume:
            return reached.volume
        checkpoint = reached.checkpoint
        if slow:
            pause(found, timedelta(hours=chance.randrange(30)))
    raise AssertionError(f"{name} never comes to an end")


def pause(found: World, length: timedelta) -> None:
    """Time passes, but never so much that a copy takes a day from its record to saying so: F26 allows for less."""
    now = found.simulation.now
    told = {*found.kept, *found.gone}
    untold = [at for key, (_, at) in found.store.bodies.items() if key.startswith(VOLUMES) and name_of(key) not in told]
    left = min((at + timedelta(hours=20) - now for at in untold), default=length)
    found.simulation.now += max(timedelta(0), min(length, left))


def forget(found: World, volume: str) -> None:
    """First the job's record, then the volume's, as deleting a backup does."""
    del found.kept[volume]
    found.gone.add(volume)
    while True:
        try:
            found.repository().forget([volume])
            return
        except (TransientError, Killed):
            continue


def pruner(found: World, rounds: int) -> None:
    for _ in range(rounds):
        pause(found, timedelta(minutes=found.simulation.dice.randrange(120)))
        try:
            found.repository("pruner").prune(lambda: set(found.kept))
        except (TransientError, Killed):
            continue


def actors(found: World, *, writers: int, copies: int, pruners: int) -> list[Callable[[], None]]:
    return [
        *(partial(writer, found, f"node {number}", copies) for number in range(writers)),
        *(partial(pruner, found, 4) for _ in range(pruners)),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_at_once_every_snapshot_can_be_restored(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {seed}; SNAPLINE_SEED={seed} runs this schedule again")
    found = world(seed, tmp_path, monkeypatch)
    shape = random.Random(seed)
    writers, pruners = shape.randrange(2, 11), shape.randrange(1, 3)
    found.simulation.run(*actors(found, writers=writers, copies=2 if writers > 5 else 3, pruners=pruners))
    found.store.faults = Faults()
    found.store.settle()
    assert found.store.broken == []
    all_is_there(found)
    nothing_is_left_over(found)
    all_is_there(found)


def all_is_there(found: World) -> None:
    assert {name_of(key) for key in found.store.bodies if key.startswith(VOLUMES)} >= set(found.kept)
    repository = found.repository()
    for volume, content in found.kept.items():
        target = found.tmp / "target"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        reached = repository.restore(volume, target, checkpoint=None, stop=lambda: False, progress=quiet)
        assert reached.lost == ()
        back = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
        assert back == content
    serious = [each for each in problems_of(repository, {volume: volume for volume in found.kept}) if each.hurts]
    assert serious == []


def nothing_is_left_over(found: World) -> None:
    """Prunes come to an end, and some weeks later there is nothing that nobody needs."""
    busy = 1
    for _ in range(12):
        found.simulation.now += timedelta(days=1, hours=1)
        busy = found.repository().prune(lambda: set(found.kept))
    assert not busy
    for _ in range(2):
        found.simulation.now += timedelta(days=31)
        assert found.repository().prune(lambda: set(found.kept)) == 0
    keys = list(found.store.bodies)
    assert {name_of(key) for key in keys if key.startswith(VOLUMES)} == set(found.kept)
    assert [key for key in keys if key.startswith((PARTIAL, MARKS))] == []
    with found.repository().new_view() as view:
        view.look()
        packs = {pack.id.hex() for pack in view.index.packs()}
        assert packs == {name_of(key) for key in keys if key.startswith(PACKS)}
    if not found.kept:
        assert [key for key in keys if key.startswith((PACKS, INDEX))] == []


def test_a_seed_gives_one_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for run in ("first", "second"):
        with monkeypatch.context() as patched:
            found = world(7, tmp_path / run, patched)
            found.simulation.run(*actors(found, writers=3, copies=2, pruners=1))
            counts.append((dict(found.store.operations), sorted(found.store.bodies)))
    assert counts[0] == counts[1]
