"""What a queue hands to a step, and what may become of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.events import AnyEvent


@dataclass(frozen=True)
class Delivery:
    """One delivery of a good message."""

    event: AnyEvent
    attempt: int  # from 1; waiting does not count
    sender: str  # the broker-checked user that published it, or ""
    redelivered: bool
    first_seen: datetime  # UTC


@dataclass(frozen=True)
class Done:
    """Acknowledge it."""


@dataclass(frozen=True)
class Retry:
    """Deliver it again after `delay`, rounded up to a rung of the ladder."""

    delay: timedelta
    reason: str
    counted: bool = True


@dataclass(frozen=True)
class Park:
    """Put it into the dead-letter queue, with the reason in plain words."""

    reason: str


Outcome = Done | Retry | Park
