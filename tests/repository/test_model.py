"""Small trees edited, copied, deleted, pruned, repaired, restored in any order, with crashes between any two requests.

Compared with a model that is no more than a dict: volumes, and what is in each.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.support.broken_musts import broken_musts
from tests.support.repository_model import (
    IN_MEMORY,
    KEYS,
    Tree,
    edit,
    small_ambient,
    tree_at,
)
from tests.support.simulated_store import Killed, SimulatedStore
from tests.support.simulation import START, Simulation
from tests.support.volumes import every, never, problems_of, quiet, restore
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import DAMAGE, INDEX, MARKS, PACKS, PARTIAL, VOLUMES, name_of
from workers.repository.upkeep import repair_index

T = TypeVar("T")

STEPS = int(os.environ.get("SNAPLINE_STEPS", "10000"))
STEPS_EACH = 100
DAY = timedelta(days=1)
GRACES = Graces(pack=timedelta(hours=1), orphan=DAY, mark=30 * DAY)
MOST_SLICES = 200
"""Of one copy: more than the trees have entries, twice."""

_steps: list[int] = [0]
_now = [START]
_names = random.Random(0)
_ahead = [timedelta(0)]
"""How far the clocks of processes are ahead of the store's."""
AMBIENT = small_ambient(GRACES, lambda: _now[0] + _ahead[0], _names)

SLICES = st.one_of(st.none(), st.integers(1, 6))
CRASHES = st.one_of(st.none(), st.integers(1, 40))
NODES = st.sampled_from(("", "node-a", "node-b"))


class RepositoryMachine(RuleBasedStateMachine):
    """One repository, two directories that change, and what was copied of them."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="model-", dir=IN_MEMORY))
        self.store = SimulatedStore(Simulation(0))
        _names.seed(0)
        _ahead[0] = timedelta(0)
        self.volumes: dict[str, Tree] = {}
        self.last: dict[str, str] = {}
        self.number = 0
        for name in ("one", "two"):
            (self.root / name).mkdir()

    def teardown(self) -> None:
        try:
            self._all_is_well()
        finally:
            shutil.rmtree(self.root)

    # --- rules

    @rule(source=st.sampled_from(("one", "two")), seed=st.integers(0, 2**32), count=st.integers(1, 5))
    def edit(self, source: str, seed: int, count: int) -> None:
        self._step()
        draw = random.Random(seed)
        for _ in range(count):
            edit(self.root / source, draw)

    @rule(source=st.sampled_from(("one", "two")), node=NODES, slices=SLICES, crash=CRASHES, anew=st.booleans())
    def copy(self, source: str, node: str, slices: int | None, crash: int | None, anew: bool) -> None:
        """A crash ends one slice; the next process goes on with the last checkpoint."""
        self._step()
        root, parent = self.root / source, None if anew else self.last.get(source)
        checkpoint, tries = None, 0
        stop = every(slices) if slices else never
        self._crash_at(crash)
        while True:
            try:
                reached = self._open(node).copy(root, parent=parent, checkpoint=checkpoint, stop=stop, progress=quiet)
            except Killed:
                self.store.revive()
                continue
            if reached.volume:
                break
            tries += 1
            assert tries < MOST_SLICES, "a copy does not come to an end"
            checkpoint = reached.checkpoint
        self.store.revive()
        self.last[source] = reached.volume
        self.volumes[reached.volume] = tree_at(root)
        self.store.note("told", reached.volume)

    @rule(number=st.integers(0, 99), crash=CRASHES)
    @precondition(lambda self: self.volumes)
    def forget(self, number: int, crash: int | None) -> None:
        self._step()
        volume = self._volume(number)
        del self.volumes[volume]
        self.store.note("forgotten", volume)
        self._crashing(crash and crash % 3, lambda: self._open("").forget([volume]))

    @rule(node=NODES, crash=CRASHES)
    def prune(self, node: str, crash: int | None) -> None:
        self._step()
        self._crashing(crash, lambda: self._pruned(node))

    @rule(node=NODES, crash=CRASHES)
    def repair(self, node: str, crash: int | None) -> None:
        self._step()
        self._crashing(crash, lambda: self._repaired(node))

    @rule(number=st.integers(0, 99), node=NODES, slices=SLICES, crash=CRASHES)
    @precondition(lambda self: self.volumes)
    def restore(self, number: int, node: str, slices: int | None, crash: int | None) -> None:
        """Into a directory that has something else in it; after a crash, again."""
        self._step()
        volume, target = self._volume(number), self.root / "target"
        target.mkdir(exist_ok=True)
        edit(target, random.Random(number))
        stop = every(slices) if slices else never
        reached = self._crashing(crash, lambda: restore(self._open(node), volume, target, stop=stop))
        if reached is None:
            reached = restore(self._open(node), volume, target, stop=stop)
        assert not reached.lost
        assert tree_at(target) == self.volumes[volume]

    @rule(number=st.integers(0, 99), node=NODES)
    @precondition(lambda self: self.volumes)
    def verify(self, number: int, node: str) -> None:
        self._step()
        assert self._open(node).verify(self._volume(number)) == []

    @rule(number=st.integers(0, 99), node=NODES, crash=CRASHES, replay=st.booleans(), repair=st.booleans())
    def lose_an_index_object(self, number: int, node: str, crash: int | None, replay: bool, repair: bool) -> None:
        """Or find an old one back. An hour later whatever upkeep comes first mends it, also after a crash."""
        self._step()
        if not self._lost_or_found(number, replay=replay):
            return
        self.wait(2)
        mend = self._repaired if repair else self._pruned
        self._crashing(crash, lambda: mend(node))
        self._pruned(node)

    @rule(hours=st.sampled_from((0, -48, 25, 24 * 31)))
    def set_a_clock(self, hours: int) -> None:
        """The store's is another one."""
        self._step()
        _ahead[0] = timedelta(hours=hours)

    @rule(node=st.sampled_from(("node-a", "node-b")))
    def lose_a_cache(self, node: str) -> None:
        self._step()
        shutil.rmtree(self.root / f"cache-{node}", ignore_errors=True)

    @rule(hours=st.sampled_from((1, 2, 12, 30, 24 * 31)))
    def wait(self, hours: int) -> None:
        self._step()
        self.store.simulation.advance(timedelta(hours=hours))
        _now[0] = self.store.simulation.now

    # --- how

    def _step(self) -> None:
        _steps[0] += 1
        _now[0] = self.store.simulation.now

    def _open(self, node: str) -> VolumeRepository:
        cache = self.root / f"cache-{node}" if node else None
        return VolumeRepository(self.store, KEYS, cache=cache, ambient=AMBIENT)

    def _volume(self, number: int) -> str:
        return list(self.volumes)[number % len(self.volumes)]

    def _lost_or_found(self, number: int, *, replay: bool) -> bool:
        store, month = self.store, timedelta(days=29)
        there = sorted(key for key in store.objects if key.startswith(INDEX))
        gone = {e.key for e in store.history if e.what in ("delete", "lost") and store.simulation.now - e.at < month}
        old = sorted(key for key in gone if key.startswith(INDEX) and key not in store.objects)
        if replay and old:
            store.replay(old[number % len(old)])
        elif not replay and there:
            store.lose(there[number % len(there)])
        return bool(old if replay else there)

    def _pruned(self, node: str) -> None:
        self._open(node).prune(lambda: set(self.volumes))

    def _repaired(self, node: str) -> None:
        with self._open(node).new_view() as view:
            repair_index.repair_index(view)

    def _crash_at(self, request: int | None) -> None:
        if request:
            self.store.kill_after(request)

    def _crashing(self, request: int | None, act: Callable[[], T]) -> T | None:
        """None if it crashed before it was done."""
        self._crash_at(request)
        try:
            return act()
        except Killed:
            return None
        finally:
            self.store.revive()

    # --- at the end

    def _all_is_well(self) -> None:
        assert problems(self._open(""), self.volumes) == []
        for wait in (2 * DAY, 31 * DAY, 31 * DAY):
            self.wait_for(wait)
            self._open("node-a").prune(lambda: set(self.volumes))
        assert problems(self._open("node-b"), self.volumes) == []
        keys = sorted(self.store.objects)
        assert {name_of(key) for key in keys if key.startswith(VOLUMES)} == set(self.volumes)
        assert [key for key in keys if key.startswith((MARKS, PARTIAL, DAMAGE))] == []
        if not self.volumes:
            assert [key for key in keys if key.startswith((PACKS, INDEX))] == []
        broken = broken_musts(self.store.history, KEYS)
        assert not broken, "\n".join(broken)

    def wait_for(self, time: timedelta) -> None:
        self.store.simulation.advance(time)
        _now[0] = self.store.simulation.now


def problems(repository: VolumeRepository, volumes: dict[str, Tree]) -> list[str]:
    """But for packs of dead copies, which no index object lists."""
    found = [str(each) for each in problems_of(repository, {volume: volume for volume in volumes})]
    return [each for each in found if "in no index object" not in each]


@pytest.mark.timeout(1200)
def test_a_repository_is_a_dict_of_trees_whatever_crashes() -> None:
    while _steps[0] < STEPS:
        run_state_machine_as_test(
            RepositoryMachine,
            settings=settings(
                max_examples=-(-(STEPS - _steps[0]) // STEPS_EACH),
                stateful_step_count=STEPS_EACH,
                deadline=None,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(f"{_steps[0]} steps")
    assert _steps[0] >= STEPS
