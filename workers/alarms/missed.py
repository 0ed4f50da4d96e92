"""Snapshots that are overdue: a schedule was to have one, and nobody has asked for it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from schemas import events as e
from schemas.errors import NotFound, SnaplineError
from schemas.schedule import EPOCH, Schedule, coming, latest
from workers.alarms.occurrences import FILLED_IN, Found
from workers.ports import Destinations
from workers.scheduling import runs

MISSED = "overdue.schedule."
GRACE = timedelta(minutes=30)
"""So long after its beginning a run may be asked for, and wait for the license gate."""


def of_schedules(schedules: Iterable[Schedule], destinations: Destinations, now: datetime) -> Iterator[Found]:
    """Those with a run that ought to have begun, and of which nothing is on record: no backup, and no reason."""
    for schedule in schedules:
        due = latest(schedule, now - GRACE) if schedule.does == "backup" else None
        if due is None:
            continue
        name, about = f"{MISSED}{schedule.name}", f"schedule {schedule.name}"
        try:
            last = _last_asked_for(schedule, destinations)
        except SnaplineError:
            yield Found(name, about, None)
            continue
        if last is None or last < due.at:
            since = due.at if last is None and schedule.since == EPOCH else next(coming(schedule, last or EPOCH))
            event = e.BackupOverdue(app=schedule.app, schedule=schedule.name, since=FILLED_IN)
            yield Found(name, about, event, since=since)


def _last_asked_for(schedule: Schedule, destinations: Destinations) -> datetime | None:
    """The newest due time of which there is an entry, in the schedule's destination or whatever was the default."""
    times: list[datetime] = []
    for name in [schedule.destination] if schedule.destination else destinations.defaults():
        try:
            times += runs.runs_of(destinations.store(name), schedule.name)
        except NotFound:
            continue  # it is not there any more, or not yet
    return max(times, default=None)
