"""For how long a message is tried again whose step fails for reasons that may pass."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas import topology
from schemas.events import AnyEvent
from schemas.messages import Message
from workers.deliveries import Delivery


@dataclass(frozen=True)
class Patience:
    """`length` counts from the first of the failures that a message has had in a row. `resting` is told of every event
    that is to be tried again, after what time, and why: others must not take it to be lost. May raise any
    SnaplineError."""

    length: timedelta = topology.PATIENCE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    resting: Callable[[AnyEvent, timedelta, Message], None] = lambda *_: None

    def failing(self, via: Delivery) -> timedelta:
        """For how long the message has been failing."""
        return self.now() - via.failing_since if via.failing_since else timedelta(0)
