"""One AMQP message as a Delivery, or the reason in plain words why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from schemas import events as e
from schemas.errors import MalformedEvent
from schemas.topology import Queue
from workers.deliveries import Delivery

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
class Reader:
    """Reads the messages of one queue. `inside` are the users whose internal events and headers are believed."""

    queue: Queue
    inside: frozenset[str]

    def read(self, body: bytes, properties: Properties, *, redelivered: bool) -> Delivery:
        """Raises MalformedEvent."""
        event = e.parse(body)
        self._check_addressee(event.data)
        sender = self.sender(properties)
        if event.type not in e.REQUESTS and sender not in self.inside:
            who = f"user {sender!r}" if sender else "a publisher without the user_id property"
            allowed = ", ".join(sorted(e.REQUESTS))
            raise MalformedEvent(
                f"{event.type} is accepted from inside only, not from {who}; others may publish {allowed}"
            )
        headers = self._believed(properties)
        return Delivery(event, _attempt(headers), sender, redelivered, _first_seen(headers))

    def sender(self, properties: Properties) -> str:
        """Who published it first: the broker checks `user_id`, and we keep it in a header when we republish."""
        return str(self._believed(properties).get(SENDER, properties.user_id or ""))

    def _believed(self, properties: Properties) -> dict[str, Any]:
        return dict(properties.headers or {}) if properties.user_id in self.inside else {}

    def _check_addressee(self, event: e.Event) -> None:
        if not isinstance(event, self.queue.hears):
            hears = ", ".join(kind.type for kind in self.queue.hears)
            raise MalformedEvent(f"{event.type} is not for the queue {self.queue.name}, which hears {hears}")
        node = getattr(event, "node", None)
        if node != self.queue.node:
            raise MalformedEvent(f"{event.type} is for node {node!r}, not for the queue {self.queue.name}")


def _attempt(headers: dict[str, Any]) -> int:
    value = headers.get(ATTEMPT)
    return value if isinstance(value, int) and value > 0 else 1


def _first_seen(headers: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(headers[FIRST_SEEN]))
    except (KeyError, ValueError):
        return datetime.now(UTC)
