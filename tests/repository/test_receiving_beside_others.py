"""Volumes are received while others write and prune, over a network that does what it likes, and by processes that die:
as for copies, nothing that was told is lost, and no garbage is left."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.errors import TransientError
from tests.repository.test_concurrency import (
    HOUR,
    MOST_TRIES,
    ROLES,
    World,
    check_end,
    forget,
    new_world,
    set_clocks,
)
from tests.support.receiving import other_key_record
from tests.support.repository_model import IN_MEMORY, edit, small_ambient, tree_at
from tests.support.simulated_store import Killed
from tests.support.volumes import AT_ONCE, copy, every, never, quiet, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository

SEEDS = 25


def receiver(world: World, node: str) -> None:
    """Receives a tree again and again as it changes elsewhere, and forgets some volumes."""
    root, draw = world.directory("elsewhere"), world.draw
    ambient = small_ambient(AT_ONCE, world.simulation.clock, draw)
    source = VolumeRepository(MemoryObjectStore(), other_key_record()[1], ambient=ambient)
    parent: str | None = None
    like: tuple[str, str] | None = None
    for _ in range(draw.randint(1, 3)):
        for _ in range(draw.randint(1, 12)):
            edit(root, draw)
        parent = volume_of(copy(source, root, parent=parent))
        volume = received(world, node, parent, source, like)
        world.told[volume] = tree_at(root)
        world.store.note("told", volume)
        like = parent, volume
        if draw.random() < 0.5:
            forget(world, node, draw.choice(sorted(world.told)))
        world.simulation.step("rest", draw.choice((0, 1, 20)) * HOUR)


def received(world: World, node: str, volume: str, source: VolumeRepository, like: tuple[str, str] | None) -> str:
    """The volume here, after as many tries and as many processes as it takes."""
    draw, repository, checkpoint = world.draw, world.open(node), None
    for _ in range(MOST_TRIES):
        if draw.random() < 0.2:
            world.store.kill_after(draw.randint(1, 40))
        stop: Callable[[], bool] = every(draw.randint(1, 3)) if draw.random() < 0.5 else never
        try:
            reached = repository.receive(volume, source, like=like, checkpoint=checkpoint, stop=stop, progress=quiet)
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
    raise AssertionError("it does not come to an end")


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="receiving-", dir=IN_MEMORY))
    yield made
    shutil.rmtree(made)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_that_was_received_is_lost_and_no_garbage_is_left(seed: int, place: Path) -> None:
    world = new_world(seed, place)
    roles = [receiver, receiver, ROLES["writer"], ROLES["pruner"], ROLES["pruner"]]
    nodes = ("", "node-a", "node-b")

    def act(role: Callable[[World, str], None], node: str) -> Callable[[], None]:
        return lambda: role(world, node)

    made = {f"actor-{number}": act(role, world.draw.choice(nodes)) for number, role in enumerate(roles)}
    set_clocks(world, list(made))
    world.simulation.run(made)
    check_end(world)
