"""The schedules as people see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.session import Session
from producers.views.schedules.next_runs import NextRun, next_runs
from producers.views.schedules.past_runs import PastRun, past_runs
from producers.views.schedules.sentences import sentence
from producers.views.unreadable import Unreadable
from schemas import schedule as schemas
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.kubernetes import CONFIG_MAPS
from schemas.messages import Message, told
from schemas.schedule import Schedule
from workers.ports import Cluster


@dataclass(frozen=True)
class ScheduleView:
    """One schedule: as it was `set`, its expression as a `sentence`, the `next` five runs (none while it is paused),
    and its past runs, the newest first; `problem` says why these cannot be told. Times are UTC."""

    set: Schedule
    sentence: str
    next: tuple[NextRun, ...]
    past: tuple[PastRun, ...] = ()
    problem: Message | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.set.name

    @property
    def last(self) -> PastRun | None:
        """The newest run that was asked for."""
        return self.past[0] if self.past else None


def schedules(session: Session, now: datetime | None = None) -> list[ScheduleView | Unreadable]:
    """All of them with their last run, and those that cannot be read. Raises as the cluster."""
    found = list(read(session.cluster, session.settings.console_namespace))
    moment = now or datetime.now(UTC)
    return [each if isinstance(each, Unreadable) else view(session, each, moment, past=1) for each in found]


def schedule(session: Session, name: str, now: datetime | None = None) -> ScheduleView:
    """One of them with its past runs. Raises NotFound, Invalid for one that cannot be read."""
    return view(session, stored(session, name), now or datetime.now(UTC))


def stored(session: Session, name: str) -> Schedule:
    """One of them as it was set. Raises as `schedule`."""
    for each in read(session.cluster, session.settings.console_namespace):
        if each.name in (name, schemas.NAME_PREFIX + name):
            if isinstance(each, Unreadable):
                raise Invalid(str(each.problem), code=Code.SCHEDULE_INVALID, subject=name)
            return each
    raise NotFound(f"there is no schedule {name!r:.80}", code=Code.NO_SUCH_SCHEDULE, subject=name)


def view(session: Session, schedule: Schedule, now: datetime, past: int = 10) -> ScheduleView:
    """One schedule as people see it. That its store does not answer hides nothing else of it."""
    told_of = (schedule, sentence(schedule), next_runs(schedule, now))
    try:
        store = session.store(session.named(schedule.destination))
        return ScheduleView(*told_of, past_runs(store, schedule.name, past))
    except SnaplineError as error:
        return ScheduleView(*told_of, problem=told(error))


def read(cluster: Cluster, console_namespace: str) -> Iterator[Schedule | Unreadable]:
    """All that the console's namespace keeps."""
    for obj in cluster.list(CONFIG_MAPS, console_namespace, schemas.LABEL):
        try:
            yield schemas.from_config_map(obj)
        except Invalid as error:
            yield Unreadable(obj["metadata"]["name"], told(error))
