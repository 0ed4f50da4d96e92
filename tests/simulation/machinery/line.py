"""The whole line in one thread at a time: every queue's worker over the simulated bus, store, cluster and clocks."""

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from schemas import events as e
from schemas import topology
from schemas.job import Job
from schemas.kubernetes import ResourceType
from schemas.settings import Settings
from tests.simulation.machinery.bus import Bus
from tests.simulation.machinery.cluster import SimulatedCluster
from tests.simulation.machinery.environment import AtOnceBackground
from tests.simulation.machinery.machines import Machines, Turn
from tests.simulation.machinery.network import Network
from tests.simulation.machinery.opened import Opened
from tests.simulation.machinery.publisher import SimulatedPublisher
from tests.simulation.machinery.store import LineStore
from tests.simulation.machinery.telling import Told
from tests.simulation.machinery.worker import Host, WorkerProcess
from tests.support.repository_model import KEYS, SMALL, AtOnce
from tests.support.simulated_store import Faults
from workers.adapters.broker import reading
from workers.adapters.stores.sealed_records import SealedRecords
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.volume_files import KubeletVolumes
from workers.jobs import ledger
from workers.jobs.locks import Locks
from workers.jobs.queueing import Queueing
from workers.jobs.slicing import Slicing
from workers.jobs.store_time import StoreTime
from workers.needs import Needs
from workers.ports import ObjectStore, QueueState, Repository
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Ambient, Graces, Limits

CONSOLE = "console-ns"
SENDER = "somebody"
TICK = timedelta(minutes=1)
DESTINATIONS = ("default", "nas")
GRACES = Graces(pack=timedelta(hours=1), orphan=timedelta(days=1), mark=timedelta(days=30))
SETTINGS = Settings.model_validate(
    {
        "passphrase": SecretStr("p"),
        "console_namespace": CONSOLE,
        "restore_users": SENDER,
        "upkeep_users": SENDER,
        "undeploy_timeout_seconds": 300,
        "ready_timeout_seconds": 300,
        "retention_seconds": 600,
    }
)


class _InStore:
    """The port `Cancellations`, from the markers alone: the broadcast is only faster."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def cancelled(self, job: Job) -> bool:
        """See the port."""
        return ledger.cancelled(self._store, job)


class World(Protocol):
    """A cluster, and what its nodes mount."""

    @property
    def cluster(self) -> MemoryCluster: ...

    @property
    def waiting(self) -> bool:
        """Whether a pod waits for a file."""
        ...

    def settle(self) -> None:
        """The controllers do all that there is to do."""
        ...

    def pods_of(self, node: str) -> Path:
        """The kubelet's pod directories of a node."""
        ...


class Line:
    """`seen(destination, key, body)` is called before each write and, without a body, after each deletion there."""

    def __init__(
        self,
        machines: Machines,
        world: World,
        nodes: list[str],
        trusted_keys: dict[str, bytes],
        seen: Callable[[str, str, bytes | None], None],
        touched: Callable[[str, ResourceType | None, str, str], None],
        check: Callable[[e.Event], None],
        cancelled: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self.machines, self.world = machines, world
        self._names = random.Random(machines.seed)
        self.chance = random.Random(f"story {machines.seed}")
        self.network = Network(self.machines)
        self.bus = Bus(self.machines, self.network)
        self.faults, self.bus_faults = Faults(), Faults()
        self.told = Told(lambda: self.machines.now, lambda: self.machines.actor or "", check)
        self.stores = {
            name: LineStore(self.machines, self.network, self.faults, self._seen(seen, name)) for name in DESTINATIONS
        }
        self.cluster = SimulatedCluster(self.world.cluster, self.machines, self.network, touched, self._stirred)
        self.plain = {name: self._sealed(store.behind()) for name, store in self.stores.items()}
        self.apart: dict[str, timedelta] = {}
        """How far the clock of a host is ahead when a process begins there."""
        self.over = False
        self.stops = 0.0
        self.ticking = True
        self.cancelled = cancelled
        self._trusted = trusted_keys
        self._runs = itertools.count()
        self.hosts = self._hosts(nodes)

    def ask(self, event: e.Event, id_: str, source: str = "tests", user: str = SENDER) -> None:
        """Somebody publishes a request, and the broker confirms."""
        envelope = e.wrap(event, id=id_, source=source, time=self.machines.now)
        self.machines.note(f"--- {user} asks: {event.type} {event.model_dump(exclude_defaults=True)} as {id_}")
        self.bus.route(envelope, user, topology.EVENTS)

    def running(self) -> list[str]:
        """Unfinished jobs, and copies that are wanted."""
        return [
            f"{name}: {found.key}"
            for name, store in self.plain.items()
            for prefix in ("running/", "upkeep/copies/")
            for found in store.list(prefix)
        ]

    def wipe(self) -> None:
        """The broker loses its data. Who has asked, and does not know what became of it, asks again."""
        waiting = [message for message in self.bus.lost() if e.parse(message.body).type in e.REQUESTS]
        self.bus.wipe()
        for message in waiting:
            sender = str(message.headers.get(reading.SENDER, message.user_id))
            event = e.parse(message.body)
            if event.type != e.TickMinute.type:
                self.bus.route(event, sender, topology.EVENTS)

    def actors(self) -> dict[str, Callable[[], None]]:
        """All threads of workers, the scheduler, and the cluster's controllers."""
        found: dict[str, Callable[[], None]] = {"scheduler": self._schedule, "controllers": self._control}
        for host in self.hosts:
            found |= host.actors()
        return {name: self._guarded(act) for name, act in found.items()}

    def _guarded(self, act: Callable[[], None]) -> Callable[[], None]:
        """What goes wrong in the simulation itself ends it."""

        def guarded() -> None:
            try:
                act()
            except BaseException as error:
                self.machines.note(f"!!! {error!r}")
                self.end()
                raise

        return guarded

    def end(self) -> None:
        """All workers stop."""
        self.over = True
        for host in self.hosts:
            host.over = True
            for actor in host.actors():
                self.machines.wake(actor)
        self.machines.wake("controllers")
        self.machines.wake("scheduler")

    def repository(self, store: ObjectStore) -> VolumeRepository:
        """A process's own view of a repository."""
        limits = Limits(**{**SMALL.__dict__, "pack": 10**6, "packs_per_index_object": 64, "batch_entries": 64})
        clock = self.machines.clock
        return VolumeRepository(store, KEYS, ambient=Ambient(limits, GRACES, clock, self._names.randbytes, AtOnce))

    # --- who acts beside the workers

    def _schedule(self) -> None:
        number = 0
        while not self.over:
            self.machines.step("", TICK)
            if not self.ticking:
                continue
            number += 1
            tick = e.TickMinute(minute=self.machines.now.isoformat())
            envelope = e.wrap(tick, id=f"tick {number}", source="scheduler", time=self.machines.now)
            self.bus.route(envelope, "guest", topology.EVENTS)

    def _control(self) -> None:
        while not self.over:
            self.world.settle()
            if self.world.waiting:
                self.machines.step("", timedelta(seconds=1))
                continue
            self.machines.rest()
            self.machines.step("", timedelta(seconds=self.machines.random.choice([0.05, 0.5, 3])))

    def _stirred(self) -> None:
        self.machines.wake("controllers")

    # --- what workers are made of

    def _hosts(self, nodes: list[str]) -> list[Host]:
        queues = [*topology.QUEUES.values(), *map(topology.volumes, nodes)]
        found = []
        for queue in queues:
            for number in range(2 if queue.name in self._twice() else 1):
                name = queue.name if not number else f"{queue.name}-{number + 1}"
                found.append(Host(name, queue, self.bus, lambda name, queue=queue: self._start(name, queue)))  # type: ignore[misc]
        return found

    def _twice(self) -> set[str]:
        """The queues that two processes serve."""
        names = sorted([*topology.QUEUES, "volumes.node-a"])
        return set(self.chance.sample(names, self.chance.choice([0, 1, 3])))

    def _start(self, name: str, queue: topology.Queue) -> WorkerProcess:
        process = WorkerProcess(name, self.apart.get(name, timedelta(0)), queue, self.bus)
        actor = self.machines.actor or ""
        self.machines.members[actor] = process
        process.start(self._needs(queue))
        return process

    def _needs(self, queue: topology.Queue) -> Needs:
        needs = Needs(SETTINGS)
        known = Opened(self._opened, DESTINATIONS)
        needs.destinations = MemoryDestinations(known)
        needs.cluster = self.cluster
        needs.now = self._store_time(known["default"][0])
        needs.publisher = SimulatedPublisher(self.bus, self.bus_faults, self.told)  # type: ignore[assignment]
        needs.queueing = Queueing(timedelta(hours=6), lambda: f"run-{next(self._runs)}")
        needs.slicing = Slicing(timedelta(days=9), self._stopping, _InStore(self.plain["default"]))
        needs.background = AtOnceBackground()  # type: ignore[assignment]
        needs.locks = Locks()
        if queue.node:
            needs.volume_files = KubeletVolumes(self.world.pods_of(queue.node))
        needs.trusted_keys = lambda: self._trusted  # type: ignore[method-assign]
        needs.log_news = lambda line: None  # type: ignore[method-assign]
        needs.queue_state = self._queue_state  # type: ignore[method-assign]
        needs.room = lambda destination: None  # type: ignore[method-assign]
        return needs

    def _opened(self, name: str) -> tuple[ObjectStore, Repository]:
        repository = self.repository(self.stores[name])
        return SealedRecords(self.stores[name], lambda: repository), repository

    def _store_time(self, store: ObjectStore) -> StoreTime:
        made = StoreTime(lambda: store, self.machines.clock, self.machines.seconds)
        made._lock = Turn(self.machines)  # type: ignore[assignment]
        return made

    def _queue_state(self, queue: str) -> QueueState | None:
        return None if self.network.is_down("broker") else self.bus.state(queue)

    def _stopping(self) -> bool:
        """Asked between files, and a place to die at. Now and then a process is to stop, which ends its slice."""
        self.machines.step()
        return self.machines.random.random() < self.stops

    def _sealed(self, store: ObjectStore) -> SealedRecords:
        repository = self.repository(store)
        return SealedRecords(store, lambda: repository)

    def _seen(self, seen: Callable[[str, str, bytes | None], None], name: str) -> Callable[[str, bytes | None], None]:
        return lambda key, body: seen(name, key, body)
