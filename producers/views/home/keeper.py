"""Home for many who look at it: read again only when it has grown old, and the last that was known where it cannot be
read."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from producers.session import Session
from producers.views.home.composed import Home, composed
from producers.views.home.held import Held
from producers.views.home.reading import read

FRESH = timedelta(seconds=2)
"""So old what is shown may be."""


class Keeper:
    """The home of one session. Safe for threads: one of them reads, others wait for it."""

    def __init__(
        self,
        session: Session,
        now: Callable[[], datetime],
        fresh: timedelta = FRESH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is in seconds."""
        self._session, self._now, self._fresh, self._clock = session, now, fresh, clock
        self._read_at = clock()
        self._lock = threading.Lock()
        self._remembered: dict[tuple[str, str], Held] = {}
        self._shown: Home | None = None
        self._known: Home | None = None

    def home(self) -> Home:
        """As it is now. Where that cannot be said, what is below the verdict is as it was when it was last known."""
        with self._lock:
            at = self._now()
            if self._shown is None or not self._is_fresh(self._shown, at):
                self._shown, self._read_at = self._read(at), self._clock()
            return self._shown

    def forget(self) -> None:
        """Reads it again for the next who looks: somebody has changed something."""
        with self._lock:
            self._shown = None

    def is_known(self) -> bool:
        """Whether it was read, and nobody has changed anything since."""
        return self._shown is not None

    def _is_fresh(self, shown: Home, at: datetime) -> bool:
        """By either clock: the one of the day may stand still, or be set."""
        age = self._clock() - self._read_at
        return age < self._fresh.total_seconds() and timedelta(0) <= at - shown.at < self._fresh

    def _read(self, at: datetime) -> Home:
        found = read(self._session, at, self._remembered)
        if found.known_at is not None:
            self._known = found
            return found
        return with_known(found, self._known) if self._known else found


def with_known(found: Home, known: Home) -> Home:
    """The verdict that nothing can be said, over what was known before."""
    return composed(replace(known.facts, unread=found.facts.unread), at=found.at, known_at=known.known_at)
