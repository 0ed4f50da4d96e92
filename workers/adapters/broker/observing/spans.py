"""What a consumer tells of messages as they come and are settled: here nobody, and in tracing.py it becomes spans."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from schemas.events import AnyEvent


@dataclass(frozen=True)
class Came:
    """How a message has come to a queue: `size` in bytes; `event` is None where it was none."""

    queue: str
    exchange: str
    routing_key: str
    delivery_tag: int
    size: int
    event: AnyEvent | None = None
    attempt: int = 1


def came(queue: str, method: Any, body: bytes, event: AnyEvent | None = None, attempt: int = 1) -> Came:
    """What the broker says of a message (pika's `Basic.Deliver`), and what was read of it."""
    return Came(queue, method.exchange, method.routing_key, method.delivery_tag, len(body), event, attempt)


class Spans:
    """Nobody listens."""

    def received(self, message: Came, began: int, problem: str = "") -> None:
        """A message has come, and was read since `began` (ns since 1970), or `problem` says why it could not be."""

    def settling(self, how: str, message: Came, step: Any = None) -> AbstractContextManager[None]:  # noqa: ARG002
        """Around what tells the broker that it may forget a message (`ack`), or may not (`nack`). `step` is what was
        opened when its step began."""
        return nullcontext()
