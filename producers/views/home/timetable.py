"""What schedules promise: when each is due next, when it was last, and on which days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from producers.views.schedules import next_runs
from schemas import schedule as schedules
from schemas.events import Due
from schemas.schedule import Schedule

GRACE = timedelta(minutes=30)
"""So long after its beginning a run may be asked for, and wait for the license gate."""


@dataclass(frozen=True)
class Timetable:
    """One schedule of backups, of `app` or of everything. The `next` run begins then; the `latest` ought to have been
    asked for. It was `due` on these days, and somebody has `asked` for it on those (UTC)."""

    app: str | None
    next: datetime | None
    latest: Due | None
    due: frozenset[date]
    asked: frozenset[date]

    def covers(self, slug: str) -> bool:
        """Whether it is to take backups of an application."""
        return self.app is None or self.app == slug


def timetable(schedule: Schedule, asked: Sequence[datetime], now: datetime, back: timedelta) -> Timetable:
    """Of one schedule; `due` of the time `back` from now."""
    return Timetable(
        app=schedule.app,
        next=min((run.starts for run in next_runs(schedule, now, 1)), default=None),
        latest=schedules.latest(schedule, now - GRACE),
        due=frozenset(_days(schedule, now - back, now)),
        asked=frozenset(at.astimezone(UTC).date() for at in asked),
    )


def _days(schedule: Schedule, begin: datetime, now: datetime) -> Iterator[date]:
    at = begin
    while not schedule.paused and (at := next(schedules.coming(schedule, at))) <= now:
        yield at.astimezone(UTC).date()
        at = at.astimezone(UTC).replace(hour=23, minute=59, second=59, microsecond=0)
