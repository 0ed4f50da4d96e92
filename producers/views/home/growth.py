"""How what is protected, and what is stored for it, grows from day to day, by the records of snapshots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from producers.views.job_views import BackupView

DAYS = 90


@dataclass(frozen=True)
class Point:
    """The end of one day, in bytes: what the newest snapshots hold, and what all that are kept have uploaded."""

    at: date
    protected: int
    stored: int


@dataclass(frozen=True)
class Growth:
    """The last days, the oldest first; `full_bytes` is what the `snapshots` that are kept would take without
    deduplication. What is stored grows by `daily` bytes, and is `milestone` bytes on `milestone_at` if that goes on;
    None where it does not grow, or there are too few days to tell."""

    points: tuple[Point, ...] = ()
    snapshots: int = 0
    full_bytes: int = 0
    daily: int | None = None
    milestone: int | None = None
    milestone_at: date | None = None

    @property
    def protected(self) -> int:
        """Bytes, today."""
        return self.points[-1].protected if self.points else 0

    @property
    def stored(self) -> int:
        """Bytes, today."""
        return self.points[-1].stored if self.points else 0


EMPTY = Growth()


def growth(backups: Iterable[BackupView], now: datetime, days: int = DAYS) -> Growth:
    """Of the finished snapshots that are kept. What went with those that were deleted is not in it: nobody knows what
    others share with them."""
    ended = sorted(
        (each for each in backups if each.completed_at is not None and each.status in ("Completed", "PartiallyFailed")),
        key=lambda each: each.completed_at or now,
    )
    today = now.astimezone(UTC).date()
    points = tuple(_points(ended, [today - timedelta(days=back) for back in reversed(range(days))]))
    begun = next((index for index, point in enumerate(points) if point.stored), len(points))
    points = points[begun:]
    daily = _daily(points)
    milestone = _milestone(points[-1].stored) if daily else None
    at = today + timedelta(days=-(-(milestone - points[-1].stored) // daily)) if daily and milestone else None
    return Growth(points, len(ended), sum(each.size for each in ended), daily, milestone, at)


def _points(ended: Sequence[BackupView], days: Sequence[date]) -> Iterable[Point]:
    """One for each day. The newest full snapshot counts for all; what partial ones hold, from then on for theirs."""
    index, stored = 0, 0
    full, partial = 0, dict[str, int]()
    for day in days:
        while index < len(ended) and _day(ended[index]) <= day:
            view = ended[index]
            index, stored = index + 1, stored + view.uploaded_bytes
            if view.snapshot_of is None and view.app is None:
                full = view.size
            elif view.snapshot_of is None and view.app is not None:
                partial[view.app] = view.size
        yield Point(day, max(full, sum(partial.values())), stored)


def _day(view: BackupView) -> date:
    assert view.completed_at is not None
    return view.completed_at.astimezone(UTC).date()


def _daily(points: Sequence[Point]) -> int | None:
    """Bytes a day, over all of them."""
    if len(points) < 3:
        return None
    grown = (points[-1].stored - points[0].stored) // (len(points) - 1)
    return grown if grown > 0 else None


def _milestone(size: int) -> int:
    """The next round number of bytes: 1, 2 or 5 and zeros."""
    unit = 1
    while unit * 10 <= size:
        unit *= 10
    return next(unit * factor for factor in (2, 5, 10) if unit * factor > size)
