"""RabbitMQ as it was measured: confirmed means kept, what is not acknowledged comes again, at the head of its queue.

A message comes again when its channel closes, with one delivery more on its count; beyond the limit it is a dead
letter. A node's queue serves one consumer at a time. A rested message comes when its rung of the ladder is over.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pika.exceptions import StreamLostError

from schemas import events as e
from schemas import topology
from schemas.topology import Queue
from tests.simulation.machinery.machines import Machines, Process
from tests.simulation.machinery.network import Network
from workers.ports import QueueState

US = "guest"
"""The broker's user of all that belongs to the line."""


@dataclass
class Waiting:
    """A message of a queue, as an AMQP client sees properties, way and body."""

    body: bytes
    user_id: str
    exchange: str
    routing_key: str
    message_id: str
    headers: dict[str, Any] = field(default_factory=dict)
    deliveries: int = 0


@dataclass(frozen=True)
class Method:
    """How a message was delivered."""

    delivery_tag: int
    redelivered: bool
    exchange: str
    routing_key: str


@dataclass(frozen=True)
class Dead:
    """A dead letter."""

    queue: str
    body: bytes
    reason: str


class Bus:
    """Queues and their messages. `shuffled` is how often a message overtakes others."""

    def __init__(self, machines: Machines, network: Network) -> None:
        self.machines, self.network = machines, network
        self.queues: dict[str, list[Waiting]] = {}
        self.resting = 0
        self.dead: list[Dead] = []
        self.shuffled = 0.0
        self.published: dict[str, int] = {}
        self.waiters: dict[str, set[str]] = {}
        """The threads that wait for a message, by queue."""
        self._channels: list[Channel] = []
        self._rested: dict[int, tuple[str, Waiting]] = {}
        self._numbers = itertools.count()

    def route(self, event: e.AnyEvent, user: str, exchange: str) -> None:
        """Into each queue that hears the event."""
        self.published[event.type] = self.published.get(event.type, 0) + 1
        for queue in topology.hearing(event.data):
            self.put(queue.name, Waiting(e.encode(event), user, exchange, topology.routing_key(event.data), event.id))

    def put(self, queue: str, message: Waiting) -> None:
        """At the end of a queue."""
        self.queues.setdefault(queue, []).append(message)
        self._stir(queue)

    def rest(self, queue: Queue, delay: Any, message: Waiting) -> None:
        """On a rung of the ladder, and then at the end of its queue."""
        number = next(self._numbers)
        self._rested[number] = queue.name, message

        def due() -> None:
            if (found := self._rested.pop(number, None)) is not None:
                self.put(*found)

        self.machines.later(topology.rung(delay), due)

    def open(self, queue: Queue, process: Process) -> "Channel":
        """A consumer's channel."""
        channel = Channel(self, queue, process)
        self._channels.append(channel)
        return channel

    def take(self, channel: "Channel") -> Waiting | None:
        """The next message for a channel, if there is one and the channel may have it."""
        waiting = self.queues.get(channel.queue.name)
        if not waiting or (channel.queue.node and self._serving(channel.queue.name) is not channel):
            return None
        draw = self.machines.random
        return waiting.pop(draw.randrange(len(waiting)) if draw.random() < self.shuffled else 0)

    def returned(self, channel: "Channel") -> None:
        """The channel is closed: what it has not acknowledged comes again."""
        self._channels.remove(channel)
        for message in reversed(channel.unacked.values()):
            message.deliveries += 1
            if message.deliveries > topology.DELIVERY_LIMIT:
                self.bury(channel.queue.name, message, "delivery_limit")
            else:
                self.queues.setdefault(channel.queue.name, []).insert(0, message)
        channel.unacked.clear()
        self._stir(channel.queue.name)

    def bury(self, queue: str, message: Waiting, reason: str) -> None:
        """It is a dead letter."""
        self.machines.note(f"*** a dead letter of {queue}: {reason}")
        self.dead.append(Dead(queue, message.body, reason))

    def close(self, process: Process) -> None:
        """The connections of a process are gone."""
        for channel in [channel for channel in self._channels if channel.process is process]:
            channel.close()

    def wipe(self) -> None:
        """The broker has lost its data, and all connections."""
        self.machines.note("*** the broker has lost everything")
        for channel in list(self._channels):
            channel.unacked.clear()
            channel.close()
        self.queues.clear()
        self._rested.clear()

    def lost(self) -> Iterator[Waiting]:
        """All messages that there are."""
        for waiting in self.queues.values():
            yield from waiting
        yield from (message for _, message in self._rested.values())
        for channel in self._channels:
            yield from channel.unacked.values()

    def state(self, queue: str) -> QueueState:
        """As a passive declaration says it."""
        consumers = sum(channel.queue.name == queue for channel in self._channels)
        return QueueState(consumers, len(self.queues.get(queue, ())))

    def is_quiet(self) -> bool:
        """Whether no message is left."""
        return next(self.lost(), None) is None

    def _serving(self, queue: str) -> "Channel | None":
        return next((channel for channel in self._channels if channel.queue.name == queue), None)

    def _stir(self, queue: str) -> None:
        for actor in self.waiters.pop(queue, ()):
            self.machines.wake(actor)


class Channel:
    """A consumer's connection with its channel, as our consumer uses those of pika."""

    def __init__(self, bus: Bus, queue: Queue, process: Process) -> None:
        self.bus, self.queue, self.process = bus, queue, process
        self.is_open = True
        self.unacked: dict[int, Waiting] = {}
        self._tags = itertools.count(1)

    def close(self) -> None:
        """It is gone."""
        if self.is_open:
            self.is_open = False
            self.bus.returned(self)

    def add_callback_threadsafe(self, callback: Callable[[], None]) -> None:
        """As BlockingConnection."""
        self.bus.machines.step()
        if self.is_open:
            callback()

    def basic_ack(self, tag: int) -> None:
        """As BlockingChannel."""
        self.unacked.pop(tag)

    def basic_nack(self, tag: int, requeue: bool = False) -> None:
        """As BlockingChannel: rejected, it is a dead letter."""
        assert not requeue
        self.bus.bury(self.queue.name, self.unacked.pop(tag), "rejected")

    def __iter__(self) -> "Channel":
        return self

    def __next__(self) -> tuple[Method | None, Waiting | None, bytes]:
        """As what `BlockingChannel.consume` gives."""
        if not self.is_open:
            raise StreamLostError("the connection is gone")
        message = self.bus.take(self)
        if message is None:
            return None, None, b""
        tag = next(self._tags)
        self.unacked[tag] = message
        method = Method(tag, message.deliveries > 0, message.exchange, message.routing_key)
        return method, message, message.body
