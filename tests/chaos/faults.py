"""What a campaign does to the line: strikes, which take a moment, and weather, which lasts a while.

Each is a function of the stage; all that chance decides comes from one seed.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from schemas.errors import SnaplineError
from schemas.kubernetes import NODES, PODS
from tests.chaos import worker
from tests.chaos.desk import Desk
from tests.chaos.hostile import HOSTILE
from tests.chaos.stage import Stage
from tests.chaos.store_proxy import Mood
from tests.support import clocks
from workers.adapters import broker

NAP = (1.0, 4.0)
"""Seconds, at least and at most, that a stopped worker sleeps."""
SHIFTS = (timedelta(hours=2), timedelta(hours=-2), timedelta(minutes=7))


@dataclass
class Doings:
    """What was done: how often what, which signals each worker got, and what was sent to be parked."""

    counts: Counter[str] = field(default_factory=Counter)
    signals: dict[str, Counter[int]] = field(default_factory=dict)
    hostile: set[bytes] = field(default_factory=set)
    round: int = 0
    rounds_without_a_node: set[int] = field(default_factory=set)

    def signal(self, stage: Stage, name: str, number: int) -> None:
        """Sends it, and notes that."""
        if stage.stack.supervisor.kill(name, number):
            self.signals.setdefault(name, Counter())[number] += 1


@dataclass(frozen=True)
class Means:
    """What faults are done with."""

    stage: Stage
    desk: Desk
    doings: Doings
    chance: random.Random

    def a_worker(self) -> str:
        """Any."""
        return self.chance.choice(sorted(self.stage.probes))


Strike = Callable[[Means], None]
Weather = Callable[[Means], AbstractContextManager[None]]


def kill(means: Means) -> None:
    """A worker dies."""
    means.doings.signal(means.stage, means.a_worker(), signal.SIGKILL)


def terminate(means: Means) -> None:
    """A worker is asked to end, as in a rolling update."""
    means.doings.signal(means.stage, means.a_worker(), signal.SIGTERM)


def stop_and_go_on(means: Means) -> None:
    """A worker sleeps for a while, as on a machine that swaps."""
    name = means.a_worker()
    means.stage.stack.supervisor.kill(name, signal.SIGSTOP)
    time.sleep(means.chance.uniform(*NAP))
    means.stage.stack.supervisor.kill(name, signal.SIGCONT)


def duplicate(means: Means) -> None:
    """A request comes again, answered or not."""
    if asked := list(means.desk.asked.values()):
        with suppress(SnaplineError):
            publisher = broker.Publisher(means.stage.server.url, "chaos")
            publisher.publish(means.desk.wrapped(means.chance.choice(asked)))
            publisher.close()


def send_hostile(means: Means) -> None:
    """Something comes that is no good event, straight into a queue."""
    body, queue = means.chance.choice(HOSTILE), means.a_worker()
    means.doings.hostile.add(body)
    with suppress(SnaplineError):
        publisher = broker.Publisher(means.stage.server.url, "chaos")
        publisher.publish_to(body, queue, {})
        publisher.close()


def close_connections(means: Means) -> None:
    """The broker drops everybody's connection."""
    means.stage.server.control("close_all_connections", "chaos")


@contextmanager
def broker_restart(means: Means) -> Iterator[None]:
    """The broker ends and starts again, with its data."""
    means.stage.server.restart()
    yield


@contextmanager
def broker_killed(means: Means) -> Iterator[None]:
    """The same, by SIGKILL."""
    means.stage.server.kill()
    means.stage.server.restart()
    yield


@contextmanager
def broker_wiped(means: Means) -> Iterator[None]:
    """The broker loses all its data."""
    means.stage.server.wipe()
    yield
    means.desk.hurry()


@contextmanager
def memory_alarm(means: Means) -> Iterator[None]:
    """The broker takes nothing from anybody."""
    means.stage.server.control("set_vm_memory_high_watermark", "0.000001")
    try:
        yield
    finally:
        means.stage.server.control("set_vm_memory_high_watermark", "0.4")


@contextmanager
def _store(mood: Mood, means: Means) -> Iterator[None]:
    with means.stage.proxy.mood(mood):
        yield


@contextmanager
def api_away(means: Means) -> Iterator[None]:
    """Nobody reaches the API server."""
    with means.stage.way.closed():
        yield


@contextmanager
def node_lost(means: Means) -> Iterator[None]:
    """A node is gone: its worker is silent, and then a new one; its node object is not ready, and one of its pods is
    made anew."""
    node, cluster = means.chance.choice(means.stage.nodes), means.stage.line.cluster
    name = f"volumes.{node}"
    means.doings.rounds_without_a_node.add(means.doings.round)
    means.stage.stack.supervisor.kill(name, signal.SIGSTOP)
    _set_ready(means.stage, node, "Unknown")
    pods = [pod for pod in cluster.list(PODS) if pod["spec"].get("nodeName") == node]
    owned = [pod for pod in pods if pod["metadata"].get("ownerReferences")]
    if owned:
        lost = means.chance.choice(owned)["metadata"]
        with suppress(SnaplineError):
            cluster.delete(PODS, lost["namespace"], lost["name"])
    try:
        yield
    finally:
        means.doings.signal(means.stage, name, signal.SIGKILL)
        _set_ready(means.stage, node, "True")


@contextmanager
def clock_wrong(means: Means) -> Iterator[None]:
    """A worker is started again on a machine whose clock is wrong, and then on another."""
    name, by = means.a_worker(), means.chance.choice(SHIFTS)
    [child] = [each for each in means.stage.stack.supervisor.children() if each.name == name]
    right, arguments = child.argv, worker.arguments(name, means.stage.pack_grace)
    child.argv = clocks.shifted(by, *arguments)
    means.doings.signal(means.stage, name, signal.SIGKILL)
    try:
        yield
    finally:
        child.argv = right
        _until_its_clock_is_right(means, name)


def _until_its_clock_is_right(means: Means, name: str) -> None:
    """It may just be starting, with the wrong clock: so it is killed until one runs that has none."""
    while True:
        pid = means.stage.stack.supervisor.pids().get(name)
        try:
            if pid and b"tests.support.clocks" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                return
        except OSError:  # it has just ended
            pass
        means.doings.signal(means.stage, name, signal.SIGKILL)
        time.sleep(0.5)


def _set_ready(stage: Stage, node: str, status: str) -> None:
    condition = {"status": {"conditions": [{"type": "Ready", "status": status}]}}
    if stage.stack.emulated is not None:
        stage.stack.emulated.cluster.patch(NODES, None, node, condition, status=True)


STRIKES: dict[str, Strike] = {
    "worker SIGKILL": kill,
    "worker SIGTERM": terminate,
    "worker SIGSTOP, SIGCONT": stop_and_go_on,
    "request twice": duplicate,
    "hostile message": send_hostile,
    "connections dropped": close_connections,
}
WEIGHTS = {"worker SIGKILL": 6, "worker SIGTERM": 3, "request twice": 3, "hostile message": 3}
"""How often a strike comes, against one of the others."""
WEATHER: dict[str, Weather] = {
    "broker restarted": broker_restart,
    "broker killed": broker_killed,
    "broker wiped": broker_wiped,
    "broker memory alarm": memory_alarm,
    "store slow": partial(_store, "slow"),
    "store cuts connections": partial(_store, "cutting"),
    "store answers 500": partial(_store, "refusing"),
    "store full": partial(_store, "full"),
    "API server away": api_away,
    "node lost": node_lost,
    "clock wrong": clock_wrong,
}
