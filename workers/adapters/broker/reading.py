"""One AMQP message as an event with what is known of its way, or the reason in plain words why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from schemas import events as e
from schemas.errors import MalformedEvent
from schemas.topology import Queue

ATTEMPT = "snapline-attempt"
SENDER = "snapline-sender"
FIRST_SEEN = "snapline-first-seen"
REASON = "snapline-reason"
QUEUE = "snapline-queue"
PARKED_AT = "snapline-parked-at"
DEAD_LETTER = "snapline-dead-letter"


class Properties(Protocol):
    """What is read of AMQP's message properties."""

    @property
    def user_id(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Arrived:
    """A good message."""

    event: e.AnyEvent
    attempt: int  # from 1; waiting does not count
    sender: str  # the user that published it first, checked by the broker
    first_seen: datetime  # UTC

    def headers(self, reason: str, *, counted: bool) -> dict[str, Any]:
        """What goes with the message when it is published again."""
        return {
            ATTEMPT: self.attempt + counted,
            SENDER: self.sender,
            FIRST_SEEN: self.first_seen.isoformat(),
            REASON: reason[:1000],
        }


@dataclass(frozen=True)
class Reader:
    """Reads the messages of one queue. `inside` are the users whose internal events and headers are believed."""

    queue: Queue
    inside: frozenset[str]

    def read(self, body: bytes, properties: Properties) -> Arrived:
        """Raises MalformedEvent."""
        event = e.parse(body)
        check_addressee(self.queue, event.data)
        sender = self.sender(properties)
        if event.type not in e.REQUESTS and sender not in self.inside:
            who = f"user {sender!r}" if sender else "a publisher without the user_id property"
            allowed = ", ".join(sorted(e.REQUESTS))
            raise MalformedEvent(
                f"{event.type} is accepted from inside only, not from {who}; others may publish {allowed}"
            )
        headers = self._believed(properties)
        return Arrived(event, _attempt(headers), sender, _first_seen(headers))

    def sender(self, properties: Properties) -> str:
        """Who published it first: the broker checks `user_id`, and we keep it in a header when we republish."""
        return str(self._believed(properties).get(SENDER, properties.user_id or ""))

    def _believed(self, properties: Properties) -> dict[str, Any]:
        return dict(properties.headers or {}) if properties.user_id in self.inside else {}


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


def _first_seen(headers: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(headers[FIRST_SEEN]))
    except (KeyError, ValueError):
        return datetime.now(UTC)
