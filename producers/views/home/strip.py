"""The last 30 days of one application: what became of each day's snapshots. Days are UTC."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from producers.views.home.spoken import counted
from producers.views.job_views import BackupView

DAYS = 30
DayState = Literal["ok", "warn", "bad", "overdue", "run", "none", "gone", "before"]
WORDS: dict[DayState, str] = {
    "ok": "Completed",
    "warn": "Incomplete (Failed)",
    "bad": "Failed",
    "overdue": "Overdue: none was taken, or none is kept",
    "run": "In Progress",
    "none": "none due",
    "gone": "taken, and deleted since",
    "before": "not registered yet",
}
_SUMMED: tuple[tuple[DayState, str], ...] = (
    ("ok", "completed"),
    ("warn", "incomplete"),
    ("bad", "failed"),
    ("overdue", "overdue"),
    ("run", "in progress"),
)
Attempt = tuple[BackupView, bool]
"""A snapshot that was to hold the application, and whether it holds it wholly."""


@dataclass(frozen=True)
class Day:
    """One day, and how it was."""

    at: date
    state: DayState

    @property
    def title(self) -> str:
        """`26 Nov: Completed`."""
        return f"{self.at.day} {self.at:%b}: {WORDS[self.state]}"


@dataclass(frozen=True)
class Expected:
    """What was to be expected of an application: a good snapshot younger than its `objective`; else a snapshot on the
    days `due`. On the days `asked` a schedule has asked for one. It is registered `since`."""

    objective: timedelta | None = None
    since: datetime | None = None
    due: Collection[date] = ()
    asked: Collection[date] = ()


def days(attempts: Sequence[Attempt], expected: Expected, now: datetime, most: int = DAYS) -> tuple[Day, ...]:
    """The last days, the oldest first; the last one is today. A day counts by the best that became of it."""
    today = now.astimezone(UTC).date()
    by_day: dict[date, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_day[attempt[0].requested_at.astimezone(UTC).date()].append(attempt)
    good = sorted(view.requested_at for view, whole in attempts if whole)
    overdue = _overdue(good, expected, now)
    first = min(by_day, default=today)
    found = []
    for at in (today - timedelta(days=back) for back in reversed(range(most))):
        found.append(Day(at, _state(by_day.get(at, ()), at, first, expected, overdue)))
    return tuple(found)


def summary(days: Sequence[Day]) -> str:
    """All of it in words: `27 completed, 1 incomplete, 2 failed`; the days of which there is something to say."""
    number = Counter(each.state for each in days)
    said = [f"{number[state]} {word}" for state, word in _SUMMED if number[state]]
    return ", ".join(said) or f"no snapshot in {counted(len(days), 'day')}"


def _state(
    attempts: Sequence[Attempt], at: date, first: date, expected: Expected, overdue: Callable[[date], bool]
) -> DayState:
    if attempts:
        return min((_of(*each) for each in attempts), key=("ok", "run", "warn", "bad", "none").index)
    if expected.since and at < min(first, expected.since.astimezone(UTC).date()):
        return "before"
    if at in expected.asked:
        return "gone"
    # Before the first that is kept nobody knows what there was.
    if overdue(at) and at >= first:
        return "overdue"
    return "none"


def _of(view: BackupView, whole: bool) -> DayState:
    if whole:
        return "ok"
    match view.status:
        case "InProgress" | "Queued" | "Cancelling":
            return "run"
        case "Cancelled":
            return "none"
        case "PartiallyFailed" | "Completed":
            return "warn"
        case _:
            return "bad"


def _overdue(good: Sequence[datetime], expected: Expected, now: datetime) -> Callable[[date], bool]:
    """Whether a day without any snapshot ended, or today is, without a good one that is young enough."""
    if expected.objective is None:
        # What is due today may still come.
        return lambda at: at in expected.due and at < now.astimezone(UTC).date()
    length = expected.objective

    def too_old(at: date) -> bool:
        end = min(now, datetime.combine(at + timedelta(days=1), time(), UTC))
        before = [each for each in good if each <= end]
        last = before[-1] if before else expected.since
        return last is not None and end - last > length

    return too_old
