"""Dramatiq's broker and consumer for our bus: plain events in, and no message lost on the way.

- the queue decides the actor, the broker's headers decide the options; a body decides nothing
- a body that is no event is parked with its reason, never dropped, and never ends a thread
- nothing is acknowledged that has not been settled (settling.py), and only through the channel that delivered it:
  on another channel the same tag is another message
"""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dramatiq
import pika
import structlog
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer, _RabbitmqMessage
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage
from pika.exceptions import AMQPError

from schemas import events as e
from schemas import topology
from schemas.errors import Denied, MalformedEvent, SnaplineError, TransientError
from schemas.messages import Message
from schemas.rights import Rights
from schemas.topology import Queue
from workers.adapters.broker import connection, declaring, reading
from workers.adapters.broker.observing.spans import Spans, came
from workers.adapters.broker.publishing import Publisher
from workers.adapters.broker.reading import Arrived, Reader
from workers.adapters.broker.signatures import NO_KEYS, Signatures
from workers.deliveries import Again, Delivery

log = structlog.get_logger(__name__)
NOBODY = Spans()


def delivery() -> Delivery:
    """How the message that this thread works on has come. For actors."""
    message = CurrentMessage.get_current_message()
    if message is None:
        raise RuntimeError("no message is being worked on")
    return came_by(message)


def came_by(message: dramatiq.Message[Any]) -> Delivery:
    """How a message has come, by its options."""
    options = message.options
    seen, since = datetime.fromisoformat(options["first_seen"]), options["failing_since"]
    failing = datetime.fromisoformat(since) if since else None
    return Delivery(message.queue_name, options["attempt"], options["sender"], seen, failing)


class EventBroker(RabbitmqBroker):  # type: ignore[misc]  # dramatiq's class is untyped
    """The bus, for Dramatiq. An actor is named as its queue, and called with the event as a plain dict.

    Internal events are believed as `rights` say, or from our own user alone. `publisher` is shared with those who tell
    events. `now` is the time that all workers of a queue agree on: what one of them writes down, another reads.
    `unread` is told of a queue's messages that are no events, and whether one was dropped. `spans` are told of
    messages that come and are settled.
    """

    def __init__(
        self,
        url: str,
        publisher: Publisher,
        *,
        middleware: list[dramatiq.Middleware],
        rights: Rights | None = None,
        signatures: Signatures | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        unread: Callable[[str, bool], None] = lambda *_: None,
        spans: Spans = NOBODY,
    ) -> None:
        super().__init__(middleware=middleware, confirm_delivery=True)
        self.parameters = connection.parameters(url)
        self.url, self.publisher, self.now, self.unread, self.spans = url, publisher, now, unread, spans
        self.rights = rights or Rights(line=frozenset({connection.user(url)}))
        self.signatures = signatures or NO_KEYS

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:  # noqa: ARG002  # dramatiq's signature
        """No delay queue, and no declaration on the server: `consume` and the publisher do that."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def prepare(self, queue: Queue) -> None:
        """Declares the queue before it is served. A broker that is away, or refuses us, is waited for by the consumer:
        its users may come back after it."""
        try:
            _tell(declaring.declare_for(self.url, queue))
        except (TransientError, Denied) as error:
            log.warning("waiting for RabbitMQ", reason=str(error))

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> "EventConsumer":
        """A consumer on a queue that is there, also after the broker has lost everything."""
        queue = topology.queue(queue_name)
        try:
            declaring.declare_for(self.url, queue)
        except SnaplineError as error:
            raise ConnectionClosed(error) from None
        return EventConsumer(self, queue, prefetch, timeout)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """What `actor.send(event)` does: puts the event on the bus, where every queue that hears it gets it; with a
        `delay` (ms) the actor's queue alone does. The message returned has the event's id.

        Raises MalformedEvent, also if the actor does not hear such events; TransientError, Denied.
        """
        [document] = message.args
        event, queue = e.parse(_text(document).encode()), topology.queue(message.queue_name)
        reading.check_addressee(queue, event.data)
        named = message.copy(message_id=event.id)
        self.emit_before("enqueue", named, delay)
        if delay:
            self.publisher.publish_delayed(e.encode(event), queue, timedelta(milliseconds=delay), {})
        else:
            self.publisher.publish(event)
        self.emit_after("enqueue", named, delay)
        return named

    def republish(self, message: "DeliveredMessage", again: Again) -> None:
        """Gives a message, byte for byte, back to its own queue after a rest. Raises TransientError, Denied."""
        retries = {"retries": message.arrived.attempt} if again.counted else {}
        renewed, delay = message.copy(options=retries), int(again.delay.total_seconds() * 1000)
        self.emit_before("enqueue", renewed, delay)
        headers = message.arrived.headers(again, self.now())
        self.publisher.publish_delayed(message.body, message.consumer.queue, again.delay, headers)
        self.emit_after("enqueue", renewed, delay)

    def park(self, consumer: "EventConsumer", body: bytes, properties: pika.BasicProperties, reason: str) -> None:
        """Puts a message into the dead-letter queue, with its reason. Raises TransientError, Denied."""
        headers = {
            reading.REASON: reason[:2000],
            reading.QUEUE: consumer.queue.name,
            reading.SENDER: consumer.reader.sender(properties),
            reading.PARKED_AT: self.now().isoformat(),
            reading.DEAD_LETTER: uuid.uuid4().hex,
            reading.SIZE: len(body),
        }
        rejected = _message(consumer.queue, {}, properties.message_id or "", {})
        self.emit_before("nack", rejected)
        self.publisher.publish_to(reading.kept(body), consumer.queue.dead_letters, headers)
        self.emit_after("nack", rejected)

    def close(self) -> None:
        """See dramatiq."""
        self.publisher.close()
        super().close()


class EventConsumer(_RabbitmqConsumer):  # type: ignore[misc]  # dramatiq's class is untyped
    """Reads events; acknowledges only what its own channel has delivered and what has been settled."""

    gone = False

    def __init__(self, broker: EventBroker, queue: Queue, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue.name, prefetch, timeout)
        self.queue, self.reader = queue, Reader(queue, broker.rights, broker.signatures)

    def __next__(self) -> "DeliveredMessage | None":
        """The next good message, or None after a while. A bad one is parked."""
        method, properties, body = self._next_raw()
        if method is None:
            return None
        began = time.time_ns()
        try:
            message = DeliveredMessage(self, method, properties, body, self.reader.read(body, properties, method))
        except MalformedEvent as error:
            self._park(method, properties, body, str(error), began)
            return None
        except Exception as error:
            log.exception("a message could not be read")
            self._park(method, properties, body, f"the message could not be read: {type(error).__name__}", began)
            return None
        self.known_tags.add(method.delivery_tag)
        self.broker.spans.received(message.came, began)
        if message.arrived.is_new and not method.redelivered and message.arrived.event.type in e.REQUESTS:
            self._log(message.arrived)
        return message

    def _log(self, request: Arrived) -> None:
        """What others ask for gets into the log by us, once it is known to be a request, and no longer than that."""
        try:
            self.broker.publisher.log(e.encode(request.event), {reading.SENDER: request.sender})
        except SnaplineError as error:
            log.warning("a request was not logged", event_id=request.event.id, reason=str(error))

    def ack(self, message: Any) -> None:
        """Acknowledges, if it is ours to acknowledge."""
        if self._ours(message):
            with self.broker.spans.settling("ack", message.came, message.step):
                super().ack(message)

    def nack(self, message: Any) -> None:
        """Rejects, if it is ours to reject."""
        if self._ours(message):
            with self.broker.spans.settling("nack", message.came, message.step):
                super().nack(message)

    def close(self) -> None:
        """See dramatiq."""
        self.gone = True
        super().close()

    def _ours(self, message: "DeliveredMessage") -> bool:
        if not message.settled:
            log.info("left unacknowledged", event_id=message.message_id, reason=message.left)
        elif message.consumer is not self or self.gone:
            log.info("late acknowledgement ignored", event_id=message.message_id)
        else:
            return True
        return False

    def _next_raw(self) -> Any:
        try:
            return next(self.iterator)
        except (AssertionError, AMQPError) as error:
            self.gone = True
            raise ConnectionClosed(error) from None
        except StopIteration:
            self.gone = True  # the server has cancelled us: the queue is gone
            raise

    def _park(self, method: Any, properties: pika.BasicProperties, body: bytes, reason: str, began: int) -> None:
        message = came(self.queue_name, method, body)
        self.broker.spans.received(message, began, reason)
        try:
            crowded = connection.waiting(self.connection, self.queue.dead_letters) >= topology.MOST_UNREADABLE
            if not crowded:
                self.broker.park(self, body, properties, reason)
        except (SnaplineError, AMQPError) as error:
            raise ConnectionClosed(error) from None
        with self.broker.spans.settling("ack", message):
            self.channel.basic_ack(method.delivery_tag)
        self.broker.unread(self.queue_name, crowded)
        log.warning(
            "message handled",
            queue=self.queue_name,
            event_id=properties.message_id or "",
            sender=self.reader.sender(properties),
            outcome="dropped, since too many dead letters wait" if crowded else "parked",
            reason=reason,
        )


class DeliveredMessage(_RabbitmqMessage):  # type: ignore[misc]  # dramatiq's class is untyped
    """A message on its way through Dramatiq, with the delivery that it came by."""

    def __init__(
        self,
        consumer: EventConsumer,
        method: Any,
        properties: pika.BasicProperties,
        body: bytes,
        arrived: Arrived,
    ) -> None:
        options = {
            "attempt": arrived.attempt,
            "sender": arrived.sender,
            "first_seen": arrived.first_seen.isoformat(),
            "failing_since": arrived.failing_since.isoformat() if arrived.failing_since else None,
        }
        message = _message(consumer.queue, json.loads(body), arrived.event.id, options)
        super().__init__(method.redelivered, method.delivery_tag, message)
        self.consumer, self.properties, self.body, self.arrived = consumer, properties, body, arrived
        self.came = came(consumer.queue.name, method, body, arrived.event, arrived.attempt)
        self.step: Any = None
        self.settled = False
        self.left = "what becomes of it was not settled"

    @property
    def lost(self) -> bool:
        """Whether its channel is gone, so that the broker delivers it again."""
        return bool(self.consumer.gone)

    def leave(self, reason: str) -> None:
        """Neither ack nor nack: the broker delivers it again when the channel closes."""
        self.left = reason


def _message(queue: Queue, document: Any, id_: str, options: dict[str, Any]) -> dramatiq.Message[None]:
    """Plain data, as Dramatiq has it."""
    return dramatiq.Message(
        queue_name=queue.name,
        actor_name=queue.name,
        args=(document,),
        kwargs={},
        options=options,
        message_id=id_,
    )


def _tell(found: list[Message]) -> None:
    for message in found:
        log.warning(message.text, code=message.code, subject=message.subject)


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
