"""The scheduler: asks for what is due, and ticks. Any number may run: what they say has the same ids."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import structlog

from producers.views.schedules import read as read_all
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas import schedule as schedules
from schemas.errors import SnaplineError
from schemas.schedule import Schedule
from workers.ports import Cluster

SOURCE = "snapline/scheduler"
LOOK = 1.0
"""Seconds between looks at the clock."""

log = structlog.get_logger("scheduler")


def read_schedules(cluster: Cluster, console_namespace: str) -> list[Schedule]:
    """All that can be read; the others are logged."""
    found = []
    for each in read_all(cluster, console_namespace):
        if isinstance(each, Unreadable):
            log.warning("a schedule is passed over", name=each.name, reason=str(each.problem))
        else:
            found.append(each)
    return found


def due(known: list[Schedule], after: datetime, until: datetime) -> Iterator[e.AnyEvent]:
    """The requests that are due after `after`, up to `until`."""
    for schedule in known:
        if schedule.paused:
            continue
        if moment := schedules.last_due(schedule.expression, max(after, schedule.since), until):
            request = e.BackupRequested(app=schedule.app, schedule=schedule.name, destination=schedule.destination)
            yield e.wrap(request, id=schedules.request_id(schedule, moment), source=SOURCE, time=until)


def ticks(after: datetime, until: datetime) -> Iterator[e.AnyEvent]:
    """A tick, if a minute has begun in between."""
    minute = until.replace(second=0, microsecond=0)
    if minute > after:
        yield e.wrap(e.TickMinute(minute=minute.strftime("%Y-%m-%dT%H:%MZ")), source=SOURCE, time=until)


def run(
    publish: Callable[[e.AnyEvent], None],
    read: Callable[[], list[Schedule]],
    stop: threading.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Publishes until `stop`. What could not be read or published is tried again a second later.

    It begins with the last run of each schedule that was due, however long ago: the same id makes no second job, and a
    run that was missed while no scheduler was there is made up for once."""
    ticked = scheduled = schedules.EPOCH
    while not stop.is_set():
        now = clock()
        try:
            for event in ticks(ticked, now):
                publish(event)
            ticked = now
            for event in due(read(), scheduled, now):
                publish(event)
                log.info("snapshot requested", event_id=event.id)
            scheduled = now
        except SnaplineError as error:
            log.warning("trying again", reason=error.with_place)
        stop.wait(LOOK)
