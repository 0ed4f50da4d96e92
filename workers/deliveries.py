"""What a queue says about a message that it delivers, and what may become of that message."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Delivery:
    """How an event has come to its step."""

    queue: str
    attempt: int = 1  # from 1; waiting does not count
    sender: str = ""  # the user that published it, checked by the broker
    first_seen: datetime = field(default_factory=lambda: datetime.now(UTC))
    failing_since: datetime | None = None  # when the failures began that it has had in a row


class Outcome(Exception):
    """Raised when a message is not simply done. Returning is the other outcome: done, acknowledge it."""

    word = ""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Again(Outcome):
    """Deliver it again after `delay`, rounded up to a rung of the ladder. Not `counted` means that it has not failed:
    it waits for something. `anew`: and earlier failures count no longer."""

    def __init__(self, delay: timedelta, reason: str, *, counted: bool = True, anew: bool = False) -> None:
        super().__init__(reason)
        self.delay, self.counted, self.anew = delay, counted, anew
        self.word = "retry" if counted else "waiting"


class GaveUp(Outcome):
    """It has failed for good, and that is recorded and told: acknowledge it."""

    word = "failed"


class Park(Outcome):
    """Put it into the dead-letter queue, with the reason in plain words."""

    word = "parked"
