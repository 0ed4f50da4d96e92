"""A worker process: the real broker, middleware, consumer, actors and settling, over a channel of the simulated bus."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dramatiq.errors import ConnectionClosed
from dramatiq.worker import ConsumerThread, WorkerThread

from schemas.topology import Queue
from tests.simulation.machinery.bus import Bus
from tests.simulation.machinery.machines import Machines, Process
from tests.support.simulated_store import Killed
from workers import actors, app
from workers.adapters.broker.consuming import EventBroker, EventConsumer
from workers.adapters.broker.reading import Reader
from workers.jobs.store_time import APART
from workers.needs import Needs

RECONNECT = timedelta(seconds=3)
"""Dramatiq's wait before it connects anew."""


class Stopping:
    """The event that is set when a process is to stop; who waits for it sleeps by the simulation's clock."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    def wait(self, seconds: float) -> bool:
        """Not set."""
        self._machines.step("", timedelta(seconds=seconds))
        return False

    def is_set(self) -> bool:
        """Never."""
        return False


class Consumer(EventConsumer):
    """The real one, over another connection."""

    def __init__(self, broker: EventBroker, queue: Queue, bus: Bus, process: Process) -> None:
        self.broker, self.queue_name = broker, queue.name
        self.logger = logging.getLogger(__name__)
        self.queue, self.reader = queue, Reader(queue, broker.rights)
        self.connection = self.channel = self.iterator = bus.open(queue, process)
        self.known_tags: set[int] = set()

    @property
    def gone(self) -> bool:
        """See EventConsumer."""
        return not self.channel.is_open

    @gone.setter
    def gone(self, value: bool) -> None:
        if value:
            self.channel.close()


class _Tasks:
    """The messages in memory: none waits."""

    def task_done(self) -> None:
        """See queue.Queue."""


class WorkerProcess(Process):
    """One life of a worker, which serves one queue."""

    def __init__(self, name: str, ahead: timedelta, queue: Queue, bus: Bus) -> None:
        super().__init__(name, ahead)
        self.queue, self._bus = queue, bus
        self._consumer: Consumer | None = None
        self._broker: EventBroker | None = None
        self._time: object = None

    def start(self, needs: Needs) -> None:
        """Makes the broker, with the line's actors."""
        middleware = app.middleware(Stopping(self._bus.machines), needs.patience)  # type: ignore[arg-type]
        broker = EventBroker(
            needs.settings.broker_url, needs.publisher, middleware=middleware, rights=needs.rights, now=needs.now
        )
        if self.queue.node:
            actors.declare_node(broker, needs, self.queue.node)
        else:
            actors.declare(broker, needs)
        self._broker, self._time = broker, needs.now

    def is_mistaken(self) -> bool:
        """Whether it could not know yet, or no more, how far its clock is from the store's."""
        wrong_by = getattr(self._time, "_wrong_by", self.ahead)
        return bool(abs(wrong_by - self.ahead) > APART)

    def next_message(self) -> Any:
        """The next good message, or None. A bad one is parked. Raises ConnectionClosed."""
        assert self._broker is not None
        if self._consumer is None or self._consumer.gone:
            self._consumer = None
            if self._bus.network.is_down("broker"):
                raise ConnectionClosed(Exception("the broker is away"))  # type: ignore[no-untyped-call]
            self._consumer = Consumer(self._broker, self.queue, self._bus, self)
        return next(self._consumer)

    def work(self, message: Any) -> None:
        """As a thread of Dramatiq's does."""
        assert self._broker is not None
        assert self._consumer is not None
        name = self.queue.name
        tasks: Any = _Tasks()
        consumers = ConsumerThread(broker=self._broker, queue_name=name, prefetch=1, work_queue=tasks, worker_timeout=1)
        consumers.consumer = self._consumer
        thread = WorkerThread(broker=self._broker, consumers={name: consumers}, work_queue=tasks, worker_timeout=1)
        thread.process_message(message)


class Host:
    """Starts a process anew when it was killed. `make` makes its next life."""

    def __init__(self, name: str, queue: Queue, bus: Bus, make: Callable[[str], WorkerProcess]) -> None:
        self.name, self.queue = name, queue
        self._machines, self._bus, self._make = bus.machines, bus, make
        self.process: WorkerProcess | None = None
        self.over = False

    def actors(self) -> dict[str, Callable[[], None]]:
        """The threads by name."""
        return {f"{self.name}.{number}": self._serve for number in range(self.queue.threads)}

    def _serve(self) -> None:
        machines, me = self._machines, self._machines.actor or ""
        while not self.over:
            machines.members.pop(me, None)
            if self.process is None or self.process.dead:
                machines.step("", timedelta(seconds=machines.random.uniform(0.5, 5)))
            if self.process is None or self.process.dead:
                self.process = self._make(self.name)
            machines.members[me] = self.process
            try:
                self._live(me, self.process)
            except Killed:
                machines.at_work.discard(me)
        machines.members.pop(me, None)

    def _live(self, me: str, process: WorkerProcess) -> None:
        machines = self._machines
        while not self.over:
            try:
                message = process.next_message()
            except ConnectionClosed:
                machines.step("", RECONNECT)
                continue
            if message is None:
                self._wait(me)
                continue
            machines.at_work.add(me)
            machines.documents[me], machines.began[me] = message.args[0], machines.now
            machines.note(f"takes {message.args[0]['type']} {message.args[0].get('subject', '')}")
            machines.step()
            process.work(message)
            machines.at_work.discard(me)

    def _wait(self, me: str) -> None:
        """Until a message comes, or the process is killed."""
        self._bus.waiters.setdefault(self.queue.name, set()).add(me)
        self._machines.rest()
        self._machines.step()
