"""Dramatiq with a consumer of our own: the queue decides the actor, and no message is lost (messaging.md 0, 3.2 B).

- a body that is no event is parked with its reason, never dropped, and never ends a thread
- an ack or nack belongs to the channel that delivered the message; a late one is ignored, as it would hit another
- a message that could not be republished (retry, park) is not acknowledged
- what waited in memory when the channel was lost is not run: the broker delivers it again
"""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dramatiq
import pika
import structlog
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer, _RabbitmqMessage
from dramatiq.errors import ConnectionClosed

from schemas import topology
from schemas.errors import MalformedEvent, SnaplineError, TransientError
from schemas.topology import Queue
from workers.adapters.broker import connection, declaring, reading
from workers.adapters.broker.publishing import Publisher
from workers.adapters.broker.reading import Reader
from workers.deliveries import Delivery, Done, Outcome, Park, Retry

Handle = Callable[[Delivery], Outcome]
ACTOR = "handle"
AGAIN = 1.0
"""Seconds between tries to republish."""

log = structlog.get_logger(__name__)


class EventBroker(RabbitmqBroker):  # type: ignore[misc]  # dramatiq's class is untyped
    """One queue, one actor, no middleware: what stock middleware does for failures is done by `settle`."""

    def __init__(self, url: str, queue: Queue, handle: Handle, inside: frozenset[str], stop: threading.Event) -> None:
        super().__init__(middleware=[], confirm_delivery=True)
        self.parameters = connection.parameters(url)
        self.url, self.queue, self.handle, self.stop = url, queue, handle, stop
        self.reader = Reader(queue, inside)
        self.publisher = Publisher(url, f"snapline/{queue.name}")
        dramatiq.Actor(self._run, broker=self, actor_name=ACTOR, queue_name=queue.name, priority=0, options={})

    @property
    def consumer_class(self) -> type["EventConsumer"]:
        """See dramatiq."""
        return EventConsumer

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:  # noqa: ARG002  # dramatiq's signature
        """No delay queue and no declaration: `consume` declares."""
        if queue_name not in self.queues:
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> "EventConsumer":
        """A consumer on a queue that is there, also after the broker has lost everything."""
        try:
            declaring.declare_for(self.url, self.queue)
        except SnaplineError as error:
            raise ConnectionClosed(error) from None
        return EventConsumer(self, queue_name, prefetch, timeout)

    def _run(self, received: "Received") -> None:
        """What dramatiq's worker threads call. It never raises: dramatiq acknowledges what raises."""
        if received.consumer.gone:
            received.abandon("its channel is gone; the broker delivers it again")
            return
        try:
            outcome = self.handle(received.delivery)
        except BaseException as error:
            log.exception("the handler failed", event_id=received.delivery.event.id)
            outcome = self._unforeseen(received, error)
        try:
            self._settle(received, outcome)
        except BaseException:
            log.exception("an outcome could not be carried out", event_id=received.delivery.event.id)
            received.message.fail()  # rejected, so that the broker puts it into the dead-letter queue

    def _unforeseen(self, received: "Received", error: BaseException) -> Outcome:
        if received.delivery.attempt >= topology.MAX_ATTEMPTS:
            return Park(f"{type(error).__name__} after {received.delivery.attempt} attempts")
        return Retry(topology.DELAYS[received.delivery.attempt - 1], type(error).__name__)

    def _settle(self, received: "Received", outcome: Outcome) -> None:
        """Republishes before the message is acknowledged; if that cannot be done, it stays unacknowledged."""
        while not isinstance(outcome, Done):
            try:
                self._republish(received, outcome)
                return
            except SnaplineError as error:
                log.warning("could not republish", event_id=received.delivery.event.id, reason=str(error))
            if received.consumer.gone or self.stop.wait(AGAIN):
                received.abandon("it could not be republished")
                return

    def _republish(self, received: "Received", outcome: Retry | Park) -> None:
        if isinstance(outcome, Park):
            self.park(received.body, received.properties, outcome.reason)
            return
        delivery = received.delivery
        headers = {
            reading.ATTEMPT: delivery.attempt + outcome.counted,
            reading.SENDER: delivery.sender,
            reading.FIRST_SEEN: delivery.first_seen.isoformat(),
            reading.REASON: outcome.reason[:1000],
        }
        self.publisher.publish_delayed(received.body, self.queue, outcome.delay, headers)

    def park(self, body: bytes, properties: pika.BasicProperties, reason: str) -> None:
        """Puts a message into the dead-letter queue, with its reason."""
        headers = {
            reading.REASON: reason[:2000],
            reading.QUEUE: self.queue.name,
            reading.SENDER: self.reader.sender(properties),
            reading.PARKED_AT: datetime.now(UTC).isoformat(),
            reading.DEAD_LETTER: uuid.uuid4().hex,
        }
        self.publisher.publish_to(body, self.queue.dead_letters, headers)


class EventConsumer(_RabbitmqConsumer):  # type: ignore[misc]  # dramatiq's class is untyped
    """Reads events; acknowledges only what its own channel has delivered."""

    gone = False

    def __next__(self) -> "_RabbitmqMessage | None":
        """The next good message, or None after a while. A bad one is parked."""
        method, properties, body = self._next_raw()
        if method is None:
            return None
        try:
            delivery = self.broker.reader.read(body, properties, redelivered=method.redelivered)
        except MalformedEvent as error:
            self._park(method, properties, body, str(error))
            return None
        except Exception as error:
            log.exception("a message could not be read")
            self._park(method, properties, body, f"the message could not be read: {type(error).__name__}")
            return None
        self.known_tags.add(method.delivery_tag)
        received = Received(self, delivery, properties, body)
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=self.queue_name, actor_name=ACTOR, args=(received,), kwargs={}, options={}
        )
        received.message = _RabbitmqMessage(method.redelivered, method.delivery_tag, message)
        return received.message

    def ack(self, message: Any) -> None:
        """Acknowledges, if it is ours to acknowledge."""
        if self._ours(message):
            super().ack(message)

    def nack(self, message: Any) -> None:
        """Rejects, if it is ours to reject."""
        if self._ours(message):
            super().nack(message)

    def close(self) -> None:
        """See dramatiq."""
        self.gone = True
        super().close()

    def _ours(self, message: Any) -> bool:
        [received] = message.args
        if received.abandoned:
            log.info("left unacknowledged", event_id=received.delivery.event.id, reason=received.abandoned)
        elif received.consumer is not self or self.gone:
            log.info("late acknowledgement ignored", event_id=received.delivery.event.id)
        else:
            return True
        return False

    def _next_raw(self) -> Any:
        try:
            return next(self.iterator)
        except (AssertionError, pika.exceptions.AMQPError) as error:
            self.gone = True
            raise ConnectionClosed(error) from None
        except StopIteration:
            self.gone = True  # the server has cancelled us: the queue is gone
            raise

    def _park(self, method: Any, properties: pika.BasicProperties, body: bytes, reason: str) -> None:
        try:
            self.broker.park(body, properties, reason)
        except SnaplineError as error:
            raise ConnectionClosed(error) from None
        self.channel.basic_ack(method.delivery_tag)
        log.warning(
            "message handled",
            queue=self.queue_name,
            event_id=properties.message_id or "",
            outcome="parked",
            reason=reason,
        )


class Received:
    """A delivery on its way through dramatiq, with the channel that it belongs to."""

    def __init__(
        self, consumer: EventConsumer, delivery: Delivery, properties: pika.BasicProperties, body: bytes
    ) -> None:
        self.consumer, self.delivery, self.properties, self.body = consumer, delivery, properties, body
        self.abandoned = ""
        self.message: Any = None

    def abandon(self, reason: str) -> None:
        """Neither ack nor nack: the broker delivers it again when the channel closes."""
        self.abandoned = reason


def wait_for_broker(url: str, queue: Queue, stop: threading.Event) -> None:
    """Returns when the queue is there, or on stop. Raises Denied: waiting does not help against that."""
    while not stop.is_set():
        try:
            declaring.declare_for(url, queue)
            return
        except TransientError as error:
            log.warning("waiting for RabbitMQ", reason=str(error))
            stop.wait(AGAIN)
