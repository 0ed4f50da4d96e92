"""The next runs of a schedule."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import schedule as schemas
from schemas.schedule import Schedule

SHOWN = 5


@dataclass(frozen=True)
class NextRun:
    """A run that is `due` and will begin at `starts` (UTC): later by its jitter, or by the `blackout` window that it
    would be in."""

    due: datetime
    starts: datetime
    blackout: str | None = None


def next_runs(schedule: Schedule, now: datetime, most: int = SHOWN) -> tuple[NextRun, ...]:
    """The first `most` of them; none if it is paused. Of several that a blackout puts off, the last takes place."""
    if schedule.paused:
        return ()
    return tuple(itertools.islice(_runs(schedule, now), most))


def _runs(schedule: Schedule, now: datetime) -> Iterator[NextRun]:
    at = schemas.last_due(schedule.expression, schedule.since, now, schedule.time_zone)  # it may not have begun yet
    if at is None or schemas.starts(schedule, at) <= now:
        at = next(schemas.coming(schedule, now))
    while True:
        run = schemas.due(schedule, at)
        if run.blackout and (last := schemas.latest(schedule, run.starts)):
            run = last
        yield NextRun(run.at, run.starts, run.blackout)
        at = next(schemas.coming(schedule, run.at))
