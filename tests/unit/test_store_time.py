"""The time as the object store has it: workers whose own clocks are wrong agree on it."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from schemas.errors import TransientError
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs.store_time import AGAIN, APART, EVERY, StoreTime
from workers.ports import ObjectStore

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Clocks:
    """The store's, a worker's that is wrong `by` so much, and seconds that pass for both."""

    def __init__(self, by: timedelta) -> None:
        self.by, self.passed = by, 0.0
        self.kept = MemoryObjectStore(self.true)
        self.asked = 0
        self.away = False
        self.time = StoreTime(self.store, lambda: self.true() + self.by, lambda: self.passed)

    def true(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def store(self) -> ObjectStore:
        self.asked += 1
        if self.away:
            raise TransientError("the store is away")
        return self.kept


@pytest.mark.parametrize("days", [-2, 2])
def test_a_worker_whose_clock_is_wrong_has_the_stores_time(days: int) -> None:
    clocks = Clocks(timedelta(days=days))
    for _ in range(3):
        clocks.passed += 100
        assert clocks.time() == clocks.true()
    assert clocks.asked == 1


def test_a_clock_that_is_right_but_for_a_moment_is_left_alone() -> None:
    clocks = Clocks(APART / 2)
    assert clocks.time() == clocks.true() + APART / 2


def test_a_clock_that_jumps_is_noticed_in_a_while() -> None:
    clocks = Clocks(timedelta(0))
    assert clocks.time() == clocks.true()
    clocks.by = timedelta(hours=1)
    clocks.passed += EVERY
    assert clocks.time() == clocks.true()


def test_who_asks_while_another_does_has_what_was_said_last() -> None:
    clocks = Clocks(timedelta(days=2))
    assert clocks.time() == clocks.true()
    clocks.passed += EVERY
    kept, meanwhile = clocks.kept, list[datetime]()

    class Slow(MemoryObjectStore):
        """Another thread asks for the time while it answers."""

        def put(self, key: str, body: bytes | bytearray) -> None:
            other = threading.Thread(target=lambda: meanwhile.append(clocks.time()), daemon=True)
            other.start()
            other.join(10)
            kept.put(key, body)

    clocks.kept = Slow(clocks.true)
    clocks.kept.list = kept.list  # type: ignore[method-assign]
    clocks.time()
    assert meanwhile == [clocks.true()]


def test_while_the_store_is_away_what_it_said_last_counts_and_it_is_asked_again_soon() -> None:
    clocks = Clocks(timedelta(days=2))
    clocks.away = True
    assert clocks.time() == clocks.true() + clocks.by
    clocks.away = False
    clocks.passed += AGAIN
    assert clocks.time() == clocks.true()
    clocks.away = True
    clocks.passed += EVERY
    assert clocks.time() == clocks.true()
    assert clocks.asked == 3
