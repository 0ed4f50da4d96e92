"""Publishing that is not lost: persistent, confirmed, mandatory if a queue hears it; its connection comes back."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, NackError, UnroutableError

from schemas import events as e
from schemas import topology
from schemas.errors import Denied, TransientError
from schemas.topology import EVENT_LOG, EVENTS, TOLD, WORK, Queue
from workers.adapters.broker import connection, declaring

CONTENT_TYPE = "application/cloudevents+json"
TRIES = 3
NO_HEADERS: Mapping[str, Any] = {}
LOOK_AGAIN = 1.0
"""Seconds that a queue is taken to be there still after it was seen over the same connection."""

Around = Callable[[e.AnyEvent], AbstractContextManager[e.AnyEvent]]
"""What goes on around the publishing of an event; the one that is published is the one that the context yields."""


class Publisher:
    """Publishes from any thread, over one connection. Whatever it publishes has a queue: what is missing is declared.

    The event log hears everything, so the broker confirms also what no other queue has got. That is why the queues are
    looked at before, but for those that were seen a moment ago.
    """

    def __init__(
        self, url: str, source: str, clock: Callable[[], float] = time.monotonic, around: Around = nullcontext
    ) -> None:
        self._url, self.source, self._clock, self._around = url, source, clock, around
        self._user = connection.user(url)
        self._lock = threading.Lock()
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._looking: BlockingChannel | None = None
        self._seen: dict[str, float] = {}

    def publish(self, event: e.AnyEvent, headers: Mapping[str, Any] = NO_HEADERS) -> None:
        """Puts an event on the bus. Raises TransientError, Denied; then it may or may not be on the bus."""
        with self._around(event) as told:
            self._publish(event if headers else told, headers)  # what is signed stays as it is

    def _publish(self, event: e.AnyEvent, headers: Mapping[str, Any]) -> None:
        properties = self.properties(
            dict(headers), message_id=event.id, type_=event.type, correlation_id=event.correlationid
        )
        # What only the log hears has no place while there is no log, and that may not stop a step.
        queues = topology.hearing(event.data)

        def ready(opened: BlockingConnection) -> None:
            for queue in queues:
                for name in (queue.name, queue.dead_letters):  # a queue that is just being declared has no bindings yet
                    self._ensure(opened, name, partial(declaring.declare_queue, opened, queue))

        exchange, key = topology.exchange(event.data), topology.routing_key(event.data)
        self._send(exchange, key, e.encode(event), properties, ready, mandatory=bool(queues))

    def log(self, body: bytes, headers: dict[str, Any]) -> None:
        """Puts a request into the event log, if there is one. Raises TransientError, Denied."""
        self._send(WORK, EVENT_LOG, body, self.properties(headers), mandatory=False)

    def publish_raw(self, body: bytes, routing_key: str) -> None:
        """Puts any bytes on the bus."""
        self._send(EVENTS, routing_key, body, self.properties({}))

    def publish_delayed(self, body: bytes, queue: Queue, delay: timedelta, headers: dict[str, Any]) -> None:
        """Gives a message back to its own queue after `delay`."""
        rung = topology.rung(delay)
        name = queue.delay(rung)

        def ready(opened: BlockingConnection) -> None:
            self._ensure(opened, name, partial(declaring.declare_rung, opened, queue, rung))

        self._send(WORK, name, body, self.properties(headers), ready)

    def publish_to(self, body: bytes, name: str, headers: dict[str, Any]) -> None:
        """Puts a message straight into the queue called `name`, a step's or that of its dead letters."""

        def ready(opened: BlockingConnection) -> None:
            self._ensure(opened, name, partial(declaring.declare_queue, opened, topology.owner(name)))

        self._send(WORK, name, body, self.properties(headers), ready)

    def properties(
        self,
        headers: dict[str, Any],
        message_id: str | None = None,
        type_: str | None = None,
        correlation_id: str | None = None,
    ) -> pika.BasicProperties:
        """Persistent, and with our user, which the broker checks."""
        return pika.BasicProperties(
            content_type=CONTENT_TYPE,
            delivery_mode=2,
            user_id=self._user,
            app_id=self.source,
            timestamp=int(time.time()),
            headers=headers,
            message_id=message_id and _short(message_id),
            type=type_,
            correlation_id=correlation_id and _short(correlation_id),
        )

    def close(self) -> None:
        """Closes the connection; the next publish opens another."""
        with self._lock:
            self._drop()

    def _send(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: pika.BasicProperties,
        ready: Callable[[BlockingConnection], None] = lambda _: None,
        *,
        mandatory: bool = True,
    ) -> None:
        with self._lock:
            problem: Exception | None = None
            for _ in range(TRIES):
                try:
                    channel = self._open()
                    ready(channel.connection)
                    channel.basic_publish(exchange, routing_key, body, properties, mandatory=mandatory)
                    return
                except NackError as error:
                    raise TransientError(
                        f"{connection.where(self._url)} refused {routing_key}: a queue is full or has no leader; "
                        "look at the lengths of the queues and at the broker's log"
                    ) from error
                except (UnroutableError, AMQPError, OSError) as error:
                    problem = error
                    self._drop()
                except BaseException:
                    self._drop()  # interrupted, perhaps in the middle of a frame
                    raise
            raise connection.meaning(self._url, f"publish {routing_key}", problem or RuntimeError()) from problem

    def _open(self) -> BlockingChannel:
        if self._channel is None or not self._channel.is_open:
            self._drop()
            self._connection = connection.connect(self._url)
            for name in (EVENTS, TOLD):
                look = partial(BlockingChannel.exchange_declare, exchange=name, passive=True)
                if not self._is_there(self._connection, look):
                    declaring.declare_if_allowed(self._url)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
        return self._channel

    def _ensure(self, opened: BlockingConnection, name: str, declare: Callable[[], object]) -> None:
        """The queue `name` is there. Raises TransientError if it is not, and we may not declare it."""
        now = self._clock()
        if now - self._seen.get(name, -LOOK_AGAIN) < LOOK_AGAIN:
            return
        if self._is_there(opened, lambda channel: channel.queue_declare(name, passive=True)):
            self._seen[name] = now
            return
        try:
            declaring.declare_exchanges(opened)
            declare()
        except Denied as error:
            raise TransientError(
                f"nobody would hear it: there is no queue {name} ({connection.where(self._url)}); "
                "its workers declare it when they start, or an administrator with the broker's definitions"
            ) from error

    def _is_there(self, opened: BlockingConnection, look: Callable[[BlockingChannel], object]) -> bool:
        if self._looking is None or not self._looking.is_open:
            self._looking = opened.channel()
        return connection.is_there(self._looking, look)

    def _drop(self) -> None:
        if self._connection is not None:
            connection.close(self._connection)
        self._connection = self._channel = self._looking = None
        self._seen.clear()


def _short(text: str) -> str:
    """What fits into an AMQP short string, which holds 255 bytes; the whole text is in the body."""
    return text.encode()[:255].decode(errors="ignore")
