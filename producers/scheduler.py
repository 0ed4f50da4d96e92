"""The scheduler: asks for what is due, and ticks. Any number may run: what they say has the same ids."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

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
LOOK_BACK = timedelta(minutes=10)
"""A scheduler that starts makes up for what was due in this time while none ran; jobs that exist are not made twice."""

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
        if moment := schedules.last_due(schedule.expression, max(after, schedule.since), until):
            request = e.BackupRequested(app=schedule.app, schedule=schedule.name)
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
    """Publishes until `stop`. What could not be read or published is tried again a second later."""
    ticked = scheduled = clock() - LOOK_BACK
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
            log.warning("trying again", reason=str(error))
        stop.wait(LOOK)
