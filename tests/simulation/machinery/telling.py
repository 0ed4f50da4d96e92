"""What was told, in order, with what was on record when it was: for who checks the history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e


@dataclass(frozen=True)
class Saying:
    """An event that was put on the bus, by whom, and when by the store's time."""

    event: e.Event
    by: str
    at: datetime


class Told:
    """All that was told. `check` says what is wrong about an event that is being told, if anything is."""

    def __init__(self, now: Callable[[], datetime], who: Callable[[], str], check: Callable[[e.Event], None]) -> None:
        self._now, self._who, self._check = now, who, check
        self.sayings: list[Saying] = []

    def tell(self, event: e.AnyEvent) -> None:
        """It is on the bus now."""
        self._check(event.data)
        self.sayings.append(Saying(event.data, self._who(), self._now()))
