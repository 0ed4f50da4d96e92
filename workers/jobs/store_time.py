"""The time, as the object store has it: what one worker writes down, another compares with its own time."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from schemas import metrics as m
from schemas.errors import SnaplineError
from workers.jobs import ledger
from workers.ports import ObjectStore

APART = timedelta(seconds=10)
"""Clocks that are apart by less are taken to agree. The times of S3 are whole seconds, and a store may be slow."""
EVERY, AGAIN = 600.0, 60.0
"""Seconds until the store is asked again; after it could not be asked."""

log = structlog.get_logger(__name__)


def own() -> datetime:
    """This process's own clock, UTC."""
    return datetime.now(UTC)


class StoreTime:
    """This process's clock, put right by the store's where they are apart. Safe for threads. Call it for the time.

    While the store cannot be asked, what it said last counts, or else the process's own clock. A store that is slow to
    answer holds up the thread that asks it, and the others only before the first answer."""

    def __init__(
        self,
        store: Callable[[], ObjectStore],
        clock: Callable[[], datetime] = own,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`store` may raise what opening a destination raises; `elapsed` are seconds from any moment."""
        self._store, self._clock, self._elapsed = store, clock, elapsed
        self._lock = threading.Lock()
        self._wrong_by = timedelta(0)
        self.ahead: float | None = None
        """Seconds by which our clock was ahead of the store's when that was last asked; None before it has answered."""
        self._ask_at: float | None = None

    def __call__(self) -> datetime:
        """UTC."""
        if self._ask_at is None:
            with self._lock:  # nobody knows anything yet: all wait for the first answer
                if self._ask_at is None:
                    self._ask()
        elif self._elapsed() >= self._ask_at and self._lock.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._lock.release()
        return self._clock() - self._wrong_by

    def _ask(self) -> None:
        self._ask_at = self._elapsed() + (EVERY if self._asked() else AGAIN)

    def _asked(self) -> bool:
        """Whether the store has said how wrong our clock is."""
        try:
            store = self._store()
            before = self._clock()
            there = ledger.clock(store)
            wrong_by = before + (self._clock() - before) / 2 - there
        except SnaplineError:
            return False
        self.ahead = wrong_by.total_seconds()
        apart = wrong_by if abs(wrong_by) > APART else timedelta(0)
        if abs(apart - self._wrong_by) > APART:
            log.warning("the clocks of this machine and of the object store are apart", seconds=apart.total_seconds())
        self._wrong_by = apart
        return True


def clock_skew(now: Callable[[], datetime]) -> list[m.Sample]:
    """What a process that has its time from `now` says of its clock."""
    ahead = now.ahead if isinstance(now, StoreTime) else None
    return [] if ahead is None else [m.Sample(m.CLOCK_SKEW, ahead)]
