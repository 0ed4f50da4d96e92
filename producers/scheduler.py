"""The scheduler: asks for what is due, and ticks. Any number may run: what they say has the same ids."""

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog

from producers.views.schedules import read as read_all
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas import schedule as schedules
from schemas.errors import SnaplineError
from schemas.schedule import Schedule
from schemas.ttl import length
from workers.ports import Cluster, Destinations
from workers.scheduling import runs

SOURCE = "snapline/scheduler"
LOOK = 1.0
"""Seconds between looks at the clock."""
AGAIN = timedelta(minutes=10)
"""After so long, a run that is still not answered is asked for again: the broker may have lost the request."""

Asked = dict[str, tuple[datetime, datetime]]
"""By the schedule's name: the due time that was last asked for, and when it was."""

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


def is_answered(destinations: Destinations, schedule: Schedule, at: datetime) -> bool:
    """Whether it is on record what became of the run that was due `at`; another destination may have been the default
    one then. Where nobody can say, it is not: asking once more does no harm."""
    try:
        for name in [schedule.destination] if schedule.destination else destinations.defaults():
            if runs.is_answered(destinations.store(name), schedule.name, at):
                return True
    except SnaplineError as error:
        log.warning("cannot look for what became of a run", schedule=schedule.name, reason=error.with_place)
    return False


def request(schedule: Schedule, due: e.Due, now: datetime) -> e.AnyEvent:
    """What asks for the run that is due: the same of every scheduler, but for when it says so."""
    return e.wrap(_asked(schedule, due), id=schedules.request_id(schedule, due.at), source=SOURCE, time=now)


def _asked(schedule: Schedule, due: e.Due) -> e.Event:
    if schedule.does == "verify":
        return e.BackupVerifyRequested(
            app=schedule.app,
            depth=schedule.depth,
            within_seconds=length(schedule.within).total_seconds(),
            schedule=schedule.name,
            destination=schedule.destination,
            due=due,
        )
    if schedule.does == "test-restore":
        return e.BackupTestRestoreRequested(
            app=schedule.app,
            check_command=shlex.split(schedule.check_command),
            check_in=schedule.check_in,
            probe=schedule.probe,
            schedule=schedule.name,
            destination=schedule.destination,
            due=due,
        )
    return e.BackupRequested(
        app=schedule.app,
        schedule=schedule.name,
        destination=schedule.destination,
        ttl=schedule.ttl,
        copy_to=list(schedule.copy_to),
        due=due,
    )


def ticks(after: datetime, until: datetime) -> Iterator[e.AnyEvent]:
    """A tick, if a minute has begun in between."""
    minute = until.replace(second=0, microsecond=0)
    if minute > after:
        yield e.wrap(e.TickMinute(minute=minute.strftime("%Y-%m-%dT%H:%MZ")), source=SOURCE, time=until)


def due(
    known: list[Schedule], asked: Asked, now: datetime, is_answered: Callable[[Schedule, datetime], bool]
) -> Iterator[tuple[Schedule, e.Due]]:
    """The newest run of each schedule that has begun by `now`, unless it is answered, or this process `asked` for it a
    short while ago."""
    for schedule in known:
        newest = schedules.latest(schedule, now)
        if newest is None:
            continue
        at, when = asked.get(schedule.name, (schedules.EPOCH, schedules.EPOCH))
        if (at != newest.at or now - when >= AGAIN) and not is_answered(schedule, newest.at):
            yield schedule, newest


def look(
    publish: Callable[[e.AnyEvent], None],
    known: list[Schedule],
    asked: Asked,
    now: datetime,
    is_answered: Callable[[Schedule, datetime], bool],
) -> None:
    """Asks for what is `due`, and notes it in `asked` when the bus has it. Raises as `publish`."""
    for schedule, newest in due(known, asked, now, is_answered):
        event = request(schedule, newest, now)
        publish(event)
        asked[schedule.name] = newest.at, now
        log.info("run requested", event_id=event.id)


def run(
    publish: Callable[[e.AnyEvent], None],
    read: Callable[[], list[Schedule]],
    stop: threading.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    is_answered: Callable[[Schedule, datetime], bool] = lambda *_: False,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Publishes until `stop`, with a `beat` at each look. What could not be read or published is tried again a second
    later.

    It asks for the newest run of each schedule, however long ago that was due, until `is_answered`: the same id makes
    no second job, and a run that was missed while no scheduler was there is made up for once."""
    ticked = schedules.EPOCH
    asked: Asked = {}
    while not stop.is_set():
        beat()
        now = clock()
        with _tried_again():  # by itself: a tick is refused for as long as a queue that hears it was never served
            for event in ticks(ticked, now):
                publish(event)
            ticked = now
        with _tried_again():
            look(publish, read(), asked, now, is_answered)
        stop.wait(LOOK)


@contextmanager
def _tried_again() -> Iterator[None]:
    """What fails is tried again at the next look."""
    try:
        yield
    except SnaplineError as error:
        log.warning("trying again", reason=error.with_place)
