"""The line in one thread: the real rows of `workers/line.py`, a queue of messages in any order, and a clock."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import SecretStr

from schemas import events as e
from schemas import topology
from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.services import tells
from schemas.settings import Settings
from tests.support.repositories import Killed
from tests.unit.model.emulated import NODE, Emulated
from tests.unit.model.faults import Fault, MeddledCluster, MeddledStore, Meddler
from tests.unit.model.trees import Trees
from workers import line
from workers.adapters.stores.sealed_records import SealedRecords
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.adapters.volume_files import KubeletVolumes
from workers.deliveries import Again, Delivery, GaveUp, Outcome, Park
from workers.jobs import ledger
from workers.jobs.locks import Locks
from workers.jobs.queueing import Queueing
from workers.jobs.slicing import Slicing
from workers.needs import Needs
from workers.ports import ObjectStore, QueueState
from workers.receive import receive

CONSOLE = "console-ns"
SENDER = "somebody"
MOST_DELIVERIES = 2000
"""Of one drain: a job that has not ended then does not end."""
PATIENCE = {"undeploy_timeout_seconds": 40, "ready_timeout_seconds": 40, "slice_seconds": 3600}


@dataclass(frozen=True)
class Message:
    """In a queue; `due` is when it may be delivered, `failing_since` when its failures began."""

    event: e.AnyEvent
    queue: str
    due: datetime
    attempt: int = 1
    failing_since: datetime | None = None


class InStore:
    """The port `Cancellations`, from the markers alone."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def cancelled(self, job: Job) -> bool:
        """See the port."""
        return ledger.cancelled(self._store, job)


class Line:
    """Messages, and what becomes of them. `at_work` is called with a job before it changes or reads the cluster;
    `seen` with each key before it is created."""

    def __init__(self, trusted_keys: dict[str, bytes], seen: Callable[[str], None]) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self._ticked = self.now
        self.world = Emulated(self.clock)
        self.meddler = Meddler()
        self.trees = Trees(self._touch_volume)
        self.plain = SealedRecords(MemoryObjectStore(self.clock), lambda: self.trees)
        self.store = MeddledStore(self.plain, self.meddler, seen)
        self.messages: list[Message] = []
        self.parked: list[str] = []
        self.told: list[e.Event] = []
        self.touched: list[Job] = []
        """Which job changed the cluster, in order; a job that did so several times in a row, once."""
        self.stops = 0
        self._jobs: list[Job | None] = []
        self._needs = self._made(trusted_keys)
        queues = [*topology.QUEUES.values(), topology.volumes(NODE)]
        self._rows = {queue.name: line.row(queue, self._needs) for queue in queues}

    def clock(self) -> datetime:
        """The time."""
        return self.now

    def publish(self, event: e.AnyEvent) -> None:
        """Into each queue that hears it."""
        self.messages.extend(Message(event, queue.name, self.now) for queue in topology.hearing(event.data))

    def ask(self, event: e.Event, id_: str) -> None:
        """Somebody else's request."""
        self.publish(e.wrap(event, id=id_, source="tests", time=self.now))

    def due(self) -> list[int]:
        """The messages that may be delivered now."""
        return [number for number, message in enumerate(self.messages) if message.due <= self.now]

    def deliver(self, number: int, fault: Fault | None = None, *, twice: bool = False) -> None:
        """Delivers one of the messages; then the cluster settles."""
        message = self.messages[number] if twice else self.messages.pop(number)
        self.now += timedelta(seconds=1)
        before = self.meddler.begin(fault)
        self._jobs.append(getattr(message.event.data, "job", None))
        try:
            self._receive(message)
        finally:
            self._jobs.pop()
            self.meddler.end(before)
        self.world.settle()

    def drain(self, chance: random.Random) -> None:
        """Until all jobs have ended and no message is left."""
        for _ in range(MOST_DELIVERIES):
            if due := self.due():
                self.deliver(chance.choice(due))
            elif self.messages or self.running():
                self.wait()
            else:
                return
        raise AssertionError(f"does not end: {self.running()}, {self.messages}")

    def wait(self) -> None:
        """Until the next message is due; the watchdog looks every minute."""
        tick = self._ticked + timedelta(minutes=1)
        self.now = max(self.now, min([tick, *(message.due for message in self.messages)]))
        if self.now >= tick:
            self._ticked = self.now
            self.ask(e.TickMinute(minute=self.now.isoformat()), f"tick {self.now}")

    def running(self) -> list[str]:
        """Unfinished jobs."""
        return [found.key for found in self.plain.list("running/")]

    def touch(self) -> None:
        """The job whose step runs changes the cluster, or reads it for a backup."""
        job = self._jobs[-1] if self._jobs else None
        if job and self.touched[-1:] != [job]:
            self.touched.append(job)

    def _receive(self, message: Message) -> None:
        queue = message.queue
        try:
            document = json.loads(e.encode(message.event))
            came = Delivery(queue, message.attempt, SENDER, self.now, message.failing_since)
            receive(document, self._rows[queue], partial(self._tell, queue), came, self._needs.patience)
        except Killed:
            self.messages.append(message)
        except Again as again:
            _foreseen(again)
            self.messages.append(_later(message, again, self.now))
        except GaveUp as gave_up:
            _foreseen(gave_up)
        except Park as park:
            self.parked.append(f"{message.event.type}: {park.reason}")

    def _tell(self, queue: str, event: e.AnyEvent) -> None:
        assert type(event.data) in tells(queue), f"{queue} may not tell {event.type}"

        def tell() -> None:
            self.told.append(event.data)
            self.publish(event)

        self.meddler.effect(tell)

    def _touch_volume(self) -> None:
        self.meddler.effect(self.touch)

    def _stopping(self) -> bool:
        """Now and then a process is asked to stop."""
        self.stops += 1
        return self.stops % 5 == 0

    def _queue_state(self, queue: str) -> QueueState:
        return QueueState(1, sum(message.queue == queue for message in self.messages))

    def _queue_states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        return {queue: self._queue_state(queue) for queue in queues}

    def _made(self, trusted_keys: dict[str, bytes]) -> Needs:
        settings = Settings.model_validate(
            {"passphrase": SecretStr("p"), "console_namespace": CONSOLE, "restore_users": SENDER, **PATIENCE}
        )
        needs = Needs(settings)
        needs.now = self.clock
        needs.cluster = MeddledCluster(self.world.cluster, self.meddler, self.touch)
        needs.destinations = MemoryDestinations({"default": (self.store, self.trees)})
        needs.trusted_keys = lambda: trusted_keys  # type: ignore[method-assign]
        needs.volume_files = KubeletVolumes(self.world.pods)
        runs = iter(range(10**9))
        needs.queueing = Queueing(timedelta(hours=6), lambda: f"run-{next(runs)}")
        needs.slicing = Slicing(timedelta(hours=1), self._stopping, InStore(self.plain))
        needs.locks = Locks()
        needs.log_news = lambda line: None  # type: ignore[method-assign]
        needs.queue_state = self._queue_state  # type: ignore[method-assign]
        needs.sure_states = self._queue_states  # type: ignore[method-assign]
        return needs


def _later(message: Message, again: Again, now: datetime) -> Message:
    """As it is delivered again."""
    attempt, since = (1, None) if again.anew else (message.attempt, message.failing_since)
    if again.counted:
        attempt, since = attempt + 1, since or now
    return replace(message, due=now + topology.rung(again.delay), attempt=attempt, failing_since=since)


def _foreseen(outcome: Outcome) -> None:
    """Raises what is no answer of a step, but a bug."""
    cause = outcome.__context__
    if cause is not None and not isinstance(cause, SnaplineError):
        raise cause
