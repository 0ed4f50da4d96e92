"""Pages of the event log: newest first, filtered, and never all of it read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from producers.views.activity.filters import Filter, is_of, may_see
from producers.views.activity.pages import ROWS, WINDOWS, EventPage, event_page
from schemas import events as e
from workers.adapters.broker import Logged, Start

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
CHUNK = 100
SECOND = timedelta(seconds=1)


class Log:
    """A log of any length, whose entries are made when they are read; it counts them."""

    def __init__(self, length: int, make: Callable[[int], e.Event], first: int = 0) -> None:
        self.length, self.make, self.first = length, make, first
        self.read = 0

    def __call__(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        if isinstance(start, datetime):
            start = max(0, (self.length - 1 - int((NOW - start) / SECOND)) // CHUNK * CHUNK)
        elif start == "last":
            start = max(0, (self.length - 1) // CHUNK * CHUNK)
        begin = max(self.first, int(start))  # type: ignore[arg-type]
        end = self.length if until is None else min(self.length, until + 1)
        found = [self.entry(offset) for offset in range(begin, min(end, begin + most))]
        self.read += len(found)
        return found

    def entry(self, offset: int) -> Logged:
        data = self.make(offset)
        at = NOW - (self.length - 1 - offset) * SECOND
        return Logged(offset, e.wrap(data, id=f"e{offset}", source="snapline/tests", time=at), "snapline")


def planned(offset: int) -> e.Event:
    return e.BackupPlanned(backup=f"app-{offset % 7}-bcdfg", objects=offset, pods=0)


def offsets(page: EventPage) -> list[int]:
    return [row.logged.offset for row in page.rows]


def test_the_newest_of_a_million_are_read_and_no_more() -> None:
    log = Log(1_000_000, planned)
    page = event_page(log, [], Filter())
    assert offsets(page) == [*range(999_999, 999_999 - ROWS, -1)]
    assert page.older == 999_950
    assert log.read <= CHUNK + WINDOWS[0]


def test_page_after_page_each_event_is_there_once() -> None:
    log, seen, before = Log(1234, planned), list[int](), None
    while True:
        page = event_page(log, [], Filter(), before)
        seen += offsets(page)
        if page.older is None:
            break
        before = page.older
    assert seen == [*range(1233, -1, -1)]


def test_a_filter_that_little_passes_meets_the_bound_and_goes_on_from_there() -> None:
    log = Log(1_000_000, lambda offset: planned(offset) if offset == 985_000 else e.TickMinute(minute=str(offset)))
    pages, before = 0, None
    while True:
        page, pages = event_page(log, [], Filter(type="backup.*"), before), pages + 1
        if page.rows or page.older is None:
            break
        before = page.older
    assert offsets(page) == [985_000]
    assert 1 < pages < 5
    assert log.read <= pages * (CHUNK + sum(WINDOWS))


def test_what_the_feed_remembers_is_not_read_again() -> None:
    log = Log(1000, planned)
    recent = [log.entry(offset) for offset in range(900, 1000)]
    assert offsets(event_page(log, recent, Filter())) == [*range(999, 949, -1)]
    assert log.read == 0
    assert offsets(event_page(log, recent, Filter(), rows=150))[-1] == 850


def test_the_beginning_of_a_log_that_was_cut_is_the_end() -> None:
    page = event_page(Log(1000, planned, first=980), [], Filter())
    assert (len(page.rows), page.older) == (20, None)
    assert event_page(Log(0, planned), [], Filter()) == EventPage((), None, 0)


def test_since_ends_the_list_and_until_begins_it() -> None:
    log = Log(100_000, planned)
    since, until = NOW - 5030 * SECOND, NOW - 5000 * SECOND
    page = event_page(log, [], Filter(since=since, until=until))
    assert offsets(page) == [*range(94_999, 94_968, -1)]
    assert page.older is None
    assert log.read < 2000


def test_reports_of_progress_are_gathered_into_one_row() -> None:
    def make(offset: int) -> e.Event:
        job = "a" if offset < 50 else "b"
        return e.VolumesProgressed(job=job, volume="v", bytes_done=offset, bytes_total=0, files_done=0)

    page = event_page(Log(100, make), [], Filter())
    assert [(row.logged.offset, row.more) for row in page.rows] == [(99, 49), (49, 49)]


def one(data: e.Event, **more: str) -> Logged:
    return Logged(1, e.wrap(data, **({"source": "s", "time": NOW, "id": "i"} | more)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (Filter(), True),
        (Filter(type="backup.*"), True),
        (Filter(type="backup.planned"), True),
        (Filter(type="*.failed.v1"), False),
        (Filter(type="restore.*"), False),
        (Filter(app="shop"), True),
        (Filter(app="wiki"), False),
        (Filter(about="shop-bcdfg"), True),
        (Filter(about="i"), True),
        (Filter(about="shop"), False),
        (Filter(text="12 OBJECTS"), True),
        (Filter(text="13 objects"), False),
        (Filter(since=NOW), True),
        (Filter(since=NOW + SECOND), False),
        (Filter(until=NOW - SECOND), False),
        (Filter(type="[", text="(", about="*"), False),
    ],
)
def test_filters(wanted: Filter, passes: bool) -> None:
    assert wanted.passes(one(e.BackupPlanned(backup="shop-bcdfg", objects=12, pods=0))) is passes


def test_ticks_of_the_clock_are_shown_to_who_asks_for_them() -> None:
    tick = one(e.TickMinute(minute="2026-11-26T20:00:00Z"))
    assert not Filter().passes(tick)
    assert Filter(type="tick.*").passes(tick)


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (e.BackupRequested(app="shop"), True),
        (e.BackupRequested(app="shop-two"), False),
        (e.BackupRequested(), False),
        (e.BackupPlanned(backup="shop-bcdfg", objects=1, pods=0), True),
        (e.BackupPlanned(backup="shop-two-bcdfg", objects=1, pods=0), False),
        (e.BackupPlanned(backup="instance-bcdfg", objects=1, pods=0), False),
        (e.BackupPlanned(backup="shop-bcdfg-cdfgh-before", objects=1, pods=0), True),
        (e.RestorePrepared(restore="shop-bcdfg-cdfgh"), True),
        (e.RestorePrepared(restore="instance-bcdfg-cdfgh"), False),
        (e.VolumesProgressed(job="shop-bcdfg", volume="v", bytes_done=1, bytes_total=1, files_done=1), True),
        (e.TickMinute(minute="x"), False),
        (e.NotificationDelivered(event="backup.completed.v1/shop-bcdfg", target="t"), False),
    ],
)
def test_who_may_see_one_application_sees_what_is_certainly_of_it(data: e.Event, seen: bool) -> None:
    event = one(data).event
    assert may_see(event, {"shop"}) is seen
    assert is_of(event, "shop") is seen
    assert may_see(event, None)
    assert not may_see(event, set())


def test_nobody_is_shown_a_page_of_others() -> None:
    page = event_page(Log(5000, planned), [], Filter(), apps={"app-3"})
    assert len(page.rows) == ROWS
    assert {row.logged.event.subject for row in page.rows} == {"app-3-bcdfg"}
