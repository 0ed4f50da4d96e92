"""The due times of a schedule, and when each run begins: after its jitter, and not in a blackout window.

All of it follows from the schedule and the due time alone, so that all schedulers agree.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schemas.events import Due
from schemas.schedule.blackouts import closed
from schemas.schedule.durations import duration
from schemas.schedule.model import Schedule
from schemas.schedule.moments import last_due, next_due

_SECOND = timedelta(seconds=1)


def latest(schedule: Schedule, until: datetime) -> Due | None:
    """The newest run that began up to `until`; None if none has, or the schedule is paused. Raises Invalid."""
    if schedule.paused:
        return None
    open_until = until
    while window := closed(schedule.blackouts, open_until, schedule.time_zone):
        open_until = window.begin - _SECOND  # whatever would begin in it begins after it
    at = _before(schedule, open_until)
    if at and starts(schedule, at) > until:
        at = _before(schedule, at - _SECOND)
    return due(schedule, at) if at else None


def due(schedule: Schedule, at: datetime) -> Due:
    """What a run that is due `at` has to know of it."""
    jittered = at + _jitter(schedule, at)
    window = closed(schedule.blackouts, jittered, schedule.time_zone)
    return Due(
        at=at,
        starts=starts(schedule, at),
        previous=_before(schedule, at - _SECOND),
        blackout=window.text if window else None,
        missed=schedule.missed,
    )


def starts(schedule: Schedule, at: datetime) -> datetime:
    """When the run begins that is due `at`."""
    begins = at + _jitter(schedule, at)
    while window := closed(schedule.blackouts, begins, schedule.time_zone):
        begins = window.end
    return begins


def coming(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The due times after `after`, without end."""
    at = max(after, schedule.since)
    while True:
        at = next_due(schedule.expression, at, schedule.time_zone)
        yield at


def request_id(schedule: Schedule, at: datetime) -> str:
    """The event id of a scheduled request: the same for every scheduler."""
    return f"schedule/{schedule.name}/{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _before(schedule: Schedule, until: datetime) -> datetime | None:
    return last_due(schedule.expression, schedule.since, until, schedule.time_zone)


def _jitter(schedule: Schedule, at: datetime) -> timedelta:
    """Whole seconds, less than the schedule's jitter, and less than what is between this due time and the next, so that
    runs keep their order."""
    if schedule.jitter is None:
        return timedelta(0)
    room = min(duration(schedule.jitter), next_due(schedule.expression, at, schedule.time_zone) - at)
    drawn = hashlib.sha256(f"{schedule.name}/{at.timestamp():.0f}".encode()).digest()
    return timedelta(seconds=int.from_bytes(drawn[:8]) % max(1, int(room.total_seconds())))
