"""One reader, many listeners: who hears what, who has missed something, and that nobody holds up the others."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from producers import event_feed
from producers.event_feed import MISSED, EventFeed, Listener, Missed
from schemas import events as e
from schemas.errors import Denied, TransientError
from tests.unit.test_schedule import NOON
from workers.adapters.broker import Logged


def _event(number: int) -> e.AnyEvent:
    """The one that happened `number` seconds after noon."""
    return e.wrap(e.BackupCompleted(backup=f"b{number}"), source="test", time=NOON + timedelta(seconds=number))


class Log:
    """An event log, for readers that come one after the other. An error in it breaks the reading off."""

    def __init__(self) -> None:
        self.entries: queue.SimpleQueue[Logged | Exception] = queue.SimpleQueue()
        self.asked: list[datetime] = []

    def tell(self, *numbers: int) -> None:
        for number in numbers:
            self.entries.put(Logged(number, _event(number)))

    def read(self, since: datetime, stop: Callable[[], bool]) -> Iterator[Logged]:
        self.asked.append(since)
        while not stop():
            try:
                entry = self.entries.get(timeout=0.01)
            except queue.Empty:
                continue
            if isinstance(entry, Exception):
                raise entry
            yield entry


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def feed(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventFeed]:
    monkeypatch.setattr(event_feed, "AGAIN", 0.01)
    made = EventFeed(log.read, most_waiting=5, remembered=4, clock=lambda: NOON)
    yield made
    made.close()


def _heard(listener: Listener, count: int) -> list[int | Missed]:
    """The numbers of the next entries, and MISSED."""
    got = [listener.get(timeout=120) for _ in range(count)]
    return [MISSED if isinstance(each, Missed) else -1 if each is None else each.offset for each in got]


def test_all_hear_all_in_order_by_one_reader(feed: EventFeed, log: Log) -> None:
    listeners = [feed.listen() for _ in range(50)]
    log.tell(1, 2, 3)
    assert [_heard(listener, 3) for listener in listeners] == [[1, 2, 3]] * 50
    assert len(log.asked) == 1


def test_who_comes_late_hears_what_is_new_or_what_is_remembered(feed: EventFeed, log: Log) -> None:
    first = feed.listen(NOON)
    log.tell(1, 2, 3)
    _heard(first, 3)
    late, later = feed.listen(NOON + timedelta(seconds=2)), feed.listen()
    log.tell(4)
    assert _heard(late, 3) == [2, 3, 4]
    assert _heard(later, 1) == [4]


def test_who_asks_for_more_than_is_remembered_is_told_so(feed: EventFeed, log: Log) -> None:
    first = feed.listen(NOON)
    for number in range(8):
        log.tell(number)
        _heard(first, 1)
    assert _heard(feed.listen(NOON + timedelta(seconds=3)), 5) == [MISSED, 4, 5, 6, 7]
    assert _heard(feed.listen(NOON + timedelta(seconds=4)), 4) == [4, 5, 6, 7]
    assert _heard(feed.listen(NOON - timedelta(hours=1)), 1) == [MISSED]


def test_a_slow_listener_misses_something_and_holds_up_nobody(feed: EventFeed, log: Log) -> None:
    slow, quick = feed.listen(), feed.listen()
    for number in range(12):
        log.tell(number)
        assert _heard(quick, 1) == [number]
    assert _heard(slow, 4) == [MISSED, 9, 10, 11]
    assert slow.get(timeout=0) is None


def test_who_has_left_hears_nothing(feed: EventFeed, log: Log) -> None:
    with feed.listen() as gone:
        pass
    other = feed.listen()
    log.tell(1)
    assert _heard(other, 1) == [1]
    assert gone.get(timeout=0) is None


def test_a_log_that_cannot_be_read_at_first_is_read_from_the_same_moment_later(feed: EventFeed, log: Log) -> None:
    log.entries.put(TransientError("away"))
    log.tell(1)
    assert _heard(feed.listen(NOON), 1) == [1]
    assert log.asked == [NOON, NOON]


def test_a_reading_that_breaks_off_leaves_a_gap_that_all_are_told_of(feed: EventFeed, log: Log) -> None:
    listener = feed.listen(NOON - timedelta(hours=1))
    log.tell(1)
    log.entries.put(Denied("the password has changed"))
    log.tell(2)
    assert _heard(listener, 3) == [1, MISSED, 2]
    assert _heard(feed.listen(NOON - timedelta(seconds=1)), 1) == [MISSED]


def test_since_when_nothing_could_be_read_is_known_until_something_is(feed: EventFeed, log: Log) -> None:
    with feed.listen() as listener:
        assert feed.lost_since is None
        log.entries.put(TransientError("away"))
        until = time.monotonic() + 60
        while feed.lost_since is None and time.monotonic() < until:
            time.sleep(0.01)
        assert feed.lost_since == NOON
        log.tell(1)
        assert _heard(listener, 1) == [1]
        assert feed.lost_since is None


def test_closing_ends_the_thread(log: Log) -> None:
    feed = EventFeed(log.read)
    feed.close()
    before = set(threading.enumerate())
    feed = EventFeed(log.read)
    listener = feed.listen()
    [reader] = [thread for thread in threading.enumerate() if thread.name == "event-feed" and thread not in before]
    feed.close()
    assert not reader.is_alive()
    assert listener.get(timeout=0) is None
    with pytest.raises(RuntimeError, match="closed"):
        feed.listen()
