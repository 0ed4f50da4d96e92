"""Many write, prune, repair and read one repository at once, over a network that does what it likes, and die."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.errors import Damaged, NotFound, TransientError
from tests.support.broken_musts import broken_musts
from tests.support.repository_model import (
    IN_MEMORY,
    KEYS,
    Tree,
    edit,
    small_ambient,
    tree_at,
)
from tests.support.simulated_store import Faults, Killed, SimulatedStore
from tests.support.simulation import Simulation
from tests.support.volumes import every, never, problems_of, quiet, restore
from workers.repository import VolumeRepository
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import volume_record
from workers.repository.format.ambient import Ambient, Graces
from workers.repository.format.layout import DAMAGE, INDEX, MARKS, PACKS, PARTIAL, VOLUMES, name_of
from workers.repository.upkeep import repair_index

SEEDS = int(os.environ.get("SNAPLINE_SEEDS", "150"))
ONE = os.environ.get("SNAPLINE_SEED")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOST_TRIES = 150
"""Of one copy. More than any bad luck takes: it does not come to an end."""


@dataclass
class World:
    """One seed's world."""

    seed: int
    root: Path
    simulation: Simulation
    store: SimulatedStore
    ambient: Ambient
    told: dict[str, Tree] = field(default_factory=dict)
    """Volumes that were told and not forgotten."""
    number: int = 0
    sabotaged: bool = False
    """Index objects have been lost or put back: until this is mended, errors are the right answer."""

    @property
    def draw(self) -> random.Random:
        return self.simulation.random

    def open(self, node: str) -> VolumeRepository:
        """As another process on a node does. Without a node, without a cache to share."""
        cache = self.root / node if node else None
        return VolumeRepository(self.store, KEYS, cache=cache, ambient=self.ambient)

    def directory(self, name: str) -> Path:
        self.number += 1
        made = self.root / f"{name}-{self.number}"
        made.mkdir()
        return made


def new_world(seed: int, root: Path) -> World:
    simulation = Simulation(seed)
    draw = simulation.random
    rate = draw.choice((0.0, 0.002, 0.01))
    long = (HOUR / 60, 2 * HOUR, 5 * HOUR, 30 * HOUR, 16 * DAY)
    stalls = draw.choice((long[:1], long[:3], long))
    faults = Faults(rate, rate, rate / 2, rate / 2, draw.choice((0.0, 0.01, 0.03)), stalls=stalls)
    graces = Graces(pack=draw.choice((timedelta(0), HOUR)), orphan=DAY, mark=30 * DAY)
    ambient = small_ambient(graces, simulation.clock, random.Random(seed))
    store = SimulatedStore(simulation, faults)
    return World(seed, root, simulation, store, ambient)


# --- actors


def writer(world: World, node: str) -> None:
    """Copies a tree again and again as it changes, and forgets some volumes."""
    root, draw = world.directory("source"), world.draw
    parent: str | None = None
    for _ in range(draw.randint(1, 3)):
        for _ in range(draw.randint(1, 12)):
            edit(root, draw)
        parent = copied(world, node, root, parent)
        world.told[parent] = tree_at(root)
        world.store.note("told", parent)
        if draw.random() < 0.5:
            forget(world, node, draw.choice(sorted(world.told)))
        parent = draw.choice([parent, *sorted(world.told)])
        world.simulation.step("rest", draw.choice((0, 1, 20)) * HOUR)


def copied(world: World, node: str, root: Path, parent: str | None) -> str:
    """The volume, after as many tries and as many processes as it takes."""
    draw, repository, checkpoint = world.draw, world.open(node), None
    for _ in range(MOST_TRIES):
        if draw.random() < 0.2:
            world.store.kill_after(draw.randint(1, 40))
        stop = every(draw.randint(1, 9)) if draw.random() < 0.3 else never
        try:
            reached = repository.copy(root, parent=parent, checkpoint=checkpoint, stop=stop, progress=quiet)
        except TransientError:
            continue
        except Killed:
            repository = world.open(node if draw.random() < 0.7 else "")
            continue
        finally:
            world.store.revive()
        if reached.volume:
            return reached.volume
        checkpoint = reached.checkpoint
    raise AssertionError("a copy does not come to an end")


def forget(world: World, node: str, volume: str) -> None:
    world.told.pop(volume)
    world.store.note("forgotten", volume)
    try:
        world.open(node).forget([volume])
    except TransientError:
        return  # an orphan now


def pruner(world: World, node: str) -> None:
    draw = world.draw
    for _ in range(draw.randint(2, 5)):
        world.simulation.step("wait", draw.choice((0, 0, 1, 25)) * HOUR)
        killable(world, lambda: world.open(node).prune(lambda: set(world.told)))


def repairer(world: World, node: str) -> None:
    for _ in range(2):
        world.simulation.step("wait", world.draw.choice((0, 1, 30)) * HOUR)

        def repair() -> None:
            with world.open(node).new_view() as view:
                repair_index.repair_index(view)

        killable(world, repair)


def killable(world: World, act: Callable[[], object]) -> None:
    if world.draw.random() < 0.4:
        world.store.kill_after(world.draw.randint(1, 60))
    try:
        act()
    except (TransientError, Killed):
        return
    except Damaged:
        if not world.sabotaged:
            raise
    finally:
        world.store.revive()


def reader(world: World, node: str) -> None:
    """What is told can be read, until it is forgotten, whoever prunes meanwhile."""
    for _ in range(3):
        world.simulation.step("wait", world.draw.choice((1, 5, 30)) * HOUR)
        if not world.told:
            continue
        volume = world.draw.choice(sorted(world.told))
        try:
            check_restores(world, world.open(node), volume)
        except TransientError:
            continue
        except (AssertionError, NotFound, Damaged):
            if volume in world.told and not world.sabotaged:
                raise


def check_restores(world: World, repository: VolumeRepository, volume: str) -> None:
    tree, target = world.told[volume], world.directory("target")
    reached = restore(repository, volume, target, stop=every(world.draw.randint(1, 5)))
    assert not reached.lost, reached.lost
    assert tree_at(target) == tree
    shutil.rmtree(target)


def saboteur(world: World, _node: str) -> None:
    """Loses index objects, and puts old ones back, also when the marks of their packs are gone."""
    draw, store = world.draw, world.store
    for _ in range(draw.randint(1, 3)):
        world.simulation.step("wait", draw.choice((0, 1, 3, 20)) * HOUR)
        there = sorted(key for key in store.objects if key.startswith(INDEX))
        gone = {e.key for e in store.history if e.what in ("delete", "lost")}
        old = sorted(key for key in gone if key.startswith(INDEX) and key not in store.objects)
        world.sabotaged = world.sabotaged or bool(there or old)
        if there and draw.random() < 0.6:
            store.lose(draw.choice(there))
        elif old:
            store.replay(draw.choice(old))


ROLES = {"writer": writer, "pruner": pruner, "repairer": repairer, "reader": reader, "saboteur": saboteur}
CLOCKS = (timedelta(0), 2 * DAY, -2 * DAY, 25 * HOUR, 31 * DAY)
"""How far clocks are ahead of the store's."""


def actors(world: World) -> dict[str, Callable[[], None]]:
    draw = world.draw
    counts = {
        "writer": draw.randint(2, 5) if draw.random() < 0.85 else draw.randint(6, 10),
        "pruner": draw.randint(1, 3),
        "repairer": draw.randint(0, 1),
        "reader": draw.randint(0, 1),
        "saboteur": int(draw.random() < 0.3),
    }
    nodes = ("", "node-a", "node-b", "node-c")

    def act(role: str, node: str) -> Callable[[], None]:
        return lambda: ROLES[role](world, node)

    made = {
        f"{role}-{number}": act(role, draw.choice(nodes)) for role, count in counts.items() for number in range(count)
    }
    set_clocks(world, list(made))
    return made


def set_clocks(world: World, names: list[str]) -> None:
    """All right, all wrong, or some that do not notice how long they sleep."""
    draw = world.draw
    if draw.random() < 0.5:
        world.simulation.clocks = {name: draw.choice(CLOCKS) for name in names}
        world.simulation.unaware = {name for name in names if draw.random() < 0.3}


# --- what must be true at the end


def check_end(world: World) -> None:
    """With peace, and when all graces are over."""
    check_history(world)
    if world.sabotaged:  # an hour later, a prune lists what is not listed
        world.simulation.advance(2 * DAY)
        world.open("").prune(lambda: set(world.told))
    check_volumes(world)
    for wait in (2 * DAY, 31 * DAY, 31 * DAY):
        world.simulation.advance(wait)
        world.open("").prune(lambda: set(world.told))
    check_volumes(world)
    check_no_garbage(world)
    check_history(world)


def check_history(world: World) -> None:
    broken = broken_musts(world.store.history, KEYS)
    assert not broken, "\n".join(broken)


def check_volumes(world: World) -> None:
    repository = world.open("")
    problems = [str(each) for each in problems_of(repository, {volume: volume for volume in world.told})]
    problems = [each for each in problems if "in no index object" not in each]
    assert not problems, "\n".join(problems)
    for volume in world.told:
        check_restores(world, repository, volume)


def check_no_garbage(world: World) -> None:
    keys = sorted(world.store.objects)
    assert {name_of(key) for key in keys if key.startswith(VOLUMES)} == set(world.told)
    assert [key for key in keys if key.startswith((MARKS, PARTIAL, DAMAGE))] == []
    with world.open("").new_view() as view:
        view.look()
        assert {pack.hex() for pack in view.index.pack_sizes()} == {name_of(k) for k in keys if k.startswith(PACKS)}
        listing = view.index.listing(set(view.index.pack_sizes()))
        assert listing == {name_of(key) for key in keys if key.startswith(INDEX)}
        assert not unused_packs(world, view)


def unused_packs(world: World, view: View) -> set[bytes]:
    """Packs in which nothing is that a volume needs."""
    needed: set[bytes] = set()
    for volume in world.told:
        ids = volume_record.read(view.sealed, VOLUMES + volume).tree
        needed.update(ids, (id_ for _, block in tree_reader.blocks(view, ids) for id_, _ in block.table))
    return {pack.id for pack in view.index.packs() if needed.isdisjoint(entry.id for entry in pack.entries)}


def play(seed: int, root: Path) -> World:
    world = new_world(seed, root)
    world.simulation.run(actors(world))
    check_end(world)
    return world


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="concurrency-", dir=IN_MEMORY))
    yield made
    shutil.rmtree(made)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [int(ONE)] if ONE else range(SEEDS))
def test_nothing_told_is_lost_and_no_garbage_is_left(seed: int, place: Path) -> None:
    print(f"seed {seed}: replay with SNAPLINE_SEED={seed}")
    try:
        play(seed, place)
    except Exception as error:
        raise AssertionError(f"seed {seed} (replay with SNAPLINE_SEED={seed}): {error}") from error


def test_a_seed_gives_the_same_history_each_time(place: Path) -> None:
    histories = []
    for name in ("first", "second"):
        (place / name).mkdir()
        histories.append(play(3, place / name).simulation.trace)
    assert histories[0] == histories[1]
