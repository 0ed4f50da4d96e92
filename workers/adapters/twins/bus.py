"""The bus in memory, for unit tests: same reading, same outcomes, same event log; nothing survives the process."""

import json
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas import events as e
from schemas import topology
from schemas.errors import MalformedEvent
from schemas.rights import Rights
from schemas.topology import Queue
from workers.adapters.broker import DeadLetter, Logged, Start, dead_letters, reading
from workers.adapters.broker.reading import Arrived
from workers.adapters.broker.settling import unforeseen
from workers.deliveries import Again, Delivery, GaveUp, Outcome, Park

OURSELVES = "snapline"
CHUNK = 3
Handle = Callable[[dict[str, Any], Delivery], None]
"""An actor: gets the event as a plain dict; raises an Outcome if it is not simply done."""


@dataclass(frozen=True)
class _Waiting:
    """A message in a queue. `due` is monotonic, in seconds."""

    body: bytes
    user_id: str
    exchange: str
    routing_key: str
    headers: dict[str, Any] = field(default_factory=dict)
    due: float = 0.0


class MemoryBus:
    """Safe for threads. `pace` scales the delay ladder: 0.01 makes a second last 10 ms."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._lock = threading.Condition()
        self._queues: dict[str, deque[_Waiting]] = defaultdict(deque)
        self._bound: dict[str, Queue] = dict(topology.QUEUES)
        self._dead: dict[str, list[DeadLetter]] = defaultdict(list)
        self._log: list[tuple[e.AnyEvent, str]] = []

    def publish(self, event: e.AnyEvent, user: str = OURSELVES) -> None:
        """As `Publisher.publish`."""
        node = getattr(event.data, "node", None)
        if node:
            self._bound.setdefault(topology.volumes(node).name, topology.volumes(node))
        self.publish_raw(e.encode(event), topology.routing_key(event.data), user)
        if event.type not in e.REQUESTS:
            self._keep(event, user)

    def publish_raw(self, body: bytes, routing_key: str, user: str = OURSELVES) -> None:
        """As `Publisher.publish_raw`."""
        with self._lock:
            for queue in self._bound.values():
                if any(_matches(key, routing_key) for key in queue.binding_keys):
                    self._queues[queue.name].append(_Waiting(body, user, topology.EVENTS, routing_key))
            self._lock.notify_all()

    def _keep(self, event: e.AnyEvent, user: str) -> None:
        """In the log: what we tell at once, requests when they are taken up."""
        with self._lock:
            self._log.append((event, user))

    def put(self, body: bytes, queue: str, user: str = OURSELVES) -> None:
        """Straight into a queue, past the exchange."""
        with self._lock:
            self._queues[queue].append(_Waiting(body, user, topology.WORK, queue))
            self._lock.notify_all()

    @contextmanager
    def serving(self, queue: Queue, handle: Handle) -> Iterator[None]:
        """Serves `queue` from threads of its own while the context lasts."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._serve, args=(queue, handle, stop), daemon=True) for _ in range(queue.threads)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def read_log(self, since: datetime | str = "first") -> list[Logged]:
        """What is in the event log just now."""
        with self._lock:
            entries = list(enumerate(self._log))
        return [
            Logged(offset, event, sender)
            for offset, (event, sender) in entries
            if not isinstance(since, datetime) or event.time >= since
        ]

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        """As `read_slice`; what comes together is a chunk of `CHUNK`."""
        entries = self.read_log()
        if isinstance(start, datetime):
            entries = [each for each in entries if each.event.time >= start]
        elif start == "last":
            entries = entries[-CHUNK:]
        elif isinstance(start, int):
            entries = [each for each in entries if each.offset >= start]
        return [each for each in entries if until is None or each.offset <= until][:most]

    def dead_letters(self, queue: str) -> list[DeadLetter]:
        """As `list_dead_letters`."""
        with self._lock:
            return list(self._dead[dead_letters.queue_named(queue).name])

    def count_dead_letters(self, queues: Sequence[str]) -> int:
        """As `count_dead_letters`."""
        return sum(len(self.dead_letters(queue)) for queue in queues)

    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int:
        """As `redrive`."""
        taken = self._take(queue, ids)
        for letter in taken:
            with self._lock:
                headers = {reading.SENDER: letter.sender}
                body = (bodies or {}).get(letter.id, letter.body)
                self._queues[queue].append(_Waiting(body, OURSELVES, topology.WORK, queue, headers))
                self._lock.notify_all()
        return len(taken)

    def drop(self, queue: str, ids: set[str] | None = None) -> int:
        """As `drop`."""
        return len(self._take(queue, ids))

    def _take(self, queue: str, ids: set[str] | None) -> list[DeadLetter]:
        dead_letters.queue_named(queue)
        with self._lock:
            taken = [letter for letter in self._dead[queue] if ids is None or letter.id in ids]
            self._dead[queue] = [letter for letter in self._dead[queue] if letter not in taken]
        return taken

    def _serve(self, queue: Queue, handle: Handle, stop: threading.Event) -> None:
        reader = reading.Reader(queue, Rights(line=frozenset({OURSELVES})))
        while not stop.is_set():
            waiting = self._next(queue.name)
            if waiting is None:
                continue
            try:
                arrived = reader.read(waiting.body, waiting, waiting)
            except MalformedEvent as error:
                self._park(queue, waiting, reader.sender(waiting), str(error))
                continue
            if arrived.is_new and arrived.event.type in e.REQUESTS:
                self._keep(arrived.event, arrived.sender)
            self._handle(queue, waiting, arrived, handle)

    def _handle(self, queue: Queue, waiting: _Waiting, arrived: Arrived, handle: Handle) -> None:
        came = Delivery(queue.name, arrived.attempt, arrived.sender, arrived.first_seen, arrived.failing_since)
        try:
            handle(json.loads(waiting.body), came)
        except Outcome as outcome:
            self._settle(queue, waiting, arrived, outcome)
        except Exception as error:
            self._settle(queue, waiting, arrived, unforeseen(error, came, datetime.now(UTC)))

    def _next(self, queue: str) -> _Waiting | None:
        with self._lock:
            now = time.monotonic()
            for waiting in self._queues[queue]:
                if waiting.due <= now:
                    self._queues[queue].remove(waiting)
                    return waiting
            self._lock.wait(0.01)
        return None

    def _settle(self, queue: Queue, waiting: _Waiting, arrived: Arrived, outcome: Outcome) -> None:
        match outcome:
            case Park():
                self._park(queue, waiting, arrived.sender, outcome.reason)
            case Again():
                headers = arrived.headers(outcome, datetime.now(UTC))
                due = time.monotonic() + topology.rung(outcome.delay).total_seconds() * self._pace
                again = _Waiting(waiting.body, OURSELVES, topology.WORK, queue.name, headers, due)
                with self._lock:
                    self._queues[queue.name].append(again)
            case GaveUp():
                return

    def _park(self, queue: Queue, waiting: _Waiting, sender: str, reason: str) -> None:
        at = datetime.now(UTC).isoformat()
        type_, size = dead_letters.type_of(waiting.body), len(waiting.body)
        letter = DeadLetter(queue.name, uuid.uuid4().hex, type_, reason, sender, at, size, reading.kept(waiting.body))
        with self._lock:
            self._dead[queue.name].append(letter)


def _matches(binding: str, key: str) -> bool:
    """AMQP's topic rule for the `*` that our bindings use."""
    parts, wanted = key.split("."), binding.split(".")
    return len(parts) == len(wanted) and all(want in ("*", part) for want, part in zip(wanted, parts, strict=True))
