"""One AMQP message as an event with what is known of its way, or the reason in plain words why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from schemas import events as e
from schemas.errors import MalformedEvent
from schemas.rights import Rights
from schemas.signing import HEADER
from schemas.topology import EVENTS, TOLD, Queue, routing_key
from workers.adapters.broker.signatures import NO_KEYS, Signatures
from workers.deliveries import Again

ATTEMPT = "snapline-attempt"
SENDER = "snapline-sender"
FIRST_SEEN = "snapline-first-seen"
FAILING_SINCE = "snapline-failing-since"
REASON = "snapline-reason"
QUEUE = "snapline-queue"
PARKED_AT = "snapline-parked-at"
DEAD_LETTER = "snapline-dead-letter"
SIZE = "snapline-size"
EXCERPT = 4096
"""Bytes that are kept of a body that is too long for an event."""
DEATHS = "x-death"
"""RabbitMQ's own: the queues that have let go of the message."""


class Properties(Protocol):
    """What is read of AMQP's message properties."""

    @property
    def user_id(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, Any] | None: ...


class Way(Protocol):
    """What the broker says of the way that a message came."""

    @property
    def exchange(self) -> str: ...
    @property
    def routing_key(self) -> str: ...


@dataclass(frozen=True)
class Arrived:
    """A good message."""

    event: e.AnyEvent
    attempt: int  # from 1; waiting does not count
    sender: str  # the user that published it first, checked by the broker
    first_seen: datetime  # UTC
    failing_since: datetime | None  # UTC; when the failures began that it has had in a row
    is_new: bool = True  # whether nobody has given it back

    def headers(self, again: Again, now: datetime) -> dict[str, Any]:
        """What goes with the message when it is published again."""
        attempt, since = (1, None) if again.anew else (self.attempt, self.failing_since)
        if again.counted:
            attempt, since = attempt + 1, since or now
        return {
            ATTEMPT: attempt,
            SENDER: self.sender,
            FIRST_SEEN: self.first_seen.isoformat(),
            REASON: again.reason[:1000],
            **({FAILING_SINCE: since.isoformat()} if since else {}),
        }


@dataclass(frozen=True)
class Reader:
    """Reads the messages of one queue. `rights` say whose internal events and headers are believed."""

    queue: Queue
    rights: Rights
    signatures: Signatures = NO_KEYS

    def read(self, body: bytes, properties: Properties, way: Way) -> Arrived:
        """Raises MalformedEvent."""
        event = e.parse(body)
        check_addressee(self.queue, event.data)
        self._check_way(event, properties, way)
        sender = self._signer(event, body, properties) or self.sender(properties)
        if event.type not in e.REQUESTS and not self.rights.believes(sender, type(event.data)):
            who = f"user {sender!r}" if sender else "a publisher without the user_id property"
            allowed = ", ".join(sorted(e.REQUESTS))
            raise MalformedEvent(
                f"{event.type} is accepted from inside only, from who tells it, not from {who}; "
                f"others may publish {allowed}"
            )
        if not sender:
            raise MalformedEvent(
                f"{event.type} came without a sender; set the property user_id to the user that is connected"
            )
        headers = self._believed(properties)
        seen, failing = _time(headers, FIRST_SEEN), _time(headers, FAILING_SINCE)
        first_seen = seen or datetime.now(UTC)
        return Arrived(event, _attempt(headers), sender, first_seen, failing, is_new=seen is None)

    def sender(self, properties: Properties) -> str:
        """Who published it first: the broker checks `user_id`, and we keep it in a header when we republish."""
        return str(self._believed(properties).get(SENDER, properties.user_id or ""))

    def _signer(self, event: e.AnyEvent, body: bytes, properties: Properties) -> str | None:
        """Who has signed a request. What our own users publish needs no signature, and what we give back has been
        looked at: it may be too old by now."""
        carrier = properties.user_id or ""
        if event.type not in e.REQUESTS or carrier in self.rights.line or carrier in self.rights.services:
            return None
        try:
            return self.signatures.signer((properties.headers or {}).get(HEADER), body, carrier)
        except MalformedEvent as error:
            raise MalformedEvent(f"{event.type}: {error}") from error

    def _check_way(self, event: e.AnyEvent, properties: Properties, way: Way) -> None:
        """RabbitMQ's topic permissions look at the routing key alone. `CC` headers, and dead-letter exchanges of a
        sender's own queues, bring a message also where they do not allow it."""
        if way.exchange not in (EVENTS, TOLD):
            if not self._is_ours(properties):
                raise MalformedEvent(f"{event.type} came past the exchange {EVENTS}, and not from inside")
        elif way.routing_key != routing_key(event.data):
            key = routing_key(event.data)
            raise MalformedEvent(f"{event.type} came with the routing key {way.routing_key!r:.300}; its own is {key!r}")
        elif DEATHS in (properties.headers or {}):
            raise MalformedEvent(f"{event.type} came through a dead-letter exchange; publish it to {EVENTS}")

    def _believed(self, properties: Properties) -> dict[str, Any]:
        return dict(properties.headers or {}) if self._is_ours(properties) else {}

    def _is_ours(self, properties: Properties) -> bool:
        """Whether a worker of this queue has published it again, or somebody who is believed everything."""
        return self.rights.serves(properties.user_id or "", self.queue.name)


def kept(body: bytes) -> bytes:
    """What is kept of a body that nobody may read: all of it, if it could be an event's."""
    return body if len(body) <= e.MAX_BODY else body[:EXCERPT]


def check_addressee(queue: Queue, event: e.Event) -> None:
    """Raises MalformedEvent if `queue` does not hear such events."""
    if not isinstance(event, queue.hears):
        hears = ", ".join(kind.type for kind in queue.hears)
        raise MalformedEvent(f"{event.type} is not for the queue {queue.name}, which hears {hears}")
    node = getattr(event, "node", None)
    if node != queue.node:
        raise MalformedEvent(f"{event.type} is for node {node!r}, not for the queue {queue.name}")


def _attempt(headers: dict[str, Any]) -> int:
    value = headers.get(ATTEMPT)
    return value if isinstance(value, int) and value > 0 else 1


def _time(headers: dict[str, Any], name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(headers[name]))
    except (KeyError, ValueError):
        return None
