"""The schedules, and when they are due next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import schedule as schemas
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS
from schemas.messages import told
from schemas.schedule import Schedule
from workers.ports import Cluster


@dataclass(frozen=True)
class ScheduleView:
    """One schedule. `app` is None for a full backup; `next_due` is UTC."""

    name: str
    expression: str
    app: str | None
    next_due: datetime


def schedules(session: Session, now: datetime | None = None) -> list[ScheduleView | Unreadable]:
    """All of them, and those that cannot be read. Raises as the cluster."""
    found = read(session.cluster, session.settings.console_namespace)
    return [each if isinstance(each, Unreadable) else view(each, now or datetime.now(UTC)) for each in found]


def schedule(session: Session, name: str, now: datetime | None = None) -> ScheduleView:
    """One of them. Raises NotFound, Invalid for one that cannot be read."""
    for each in schedules(session, now):
        if each.name in (name, schemas.NAME_PREFIX + name):
            if isinstance(each, Unreadable):
                raise Invalid(str(each.problem), code=Code.SCHEDULE_INVALID, subject=name)
            return each
    raise NotFound(f"there is no schedule {name!r:.80}", code=Code.NO_SUCH_SCHEDULE, subject=name)


def view(schedule: Schedule, now: datetime) -> ScheduleView:
    """One schedule as people see it."""
    due = schemas.next_due(schedule.expression, now)
    return ScheduleView(schedule.name, schedule.expression, schedule.app, due)


def read(cluster: Cluster, console_namespace: str) -> Iterator[Schedule | Unreadable]:
    """All that the console's namespace keeps."""
    for obj in cluster.list(CONFIG_MAPS, console_namespace, schemas.LABEL):
        try:
            yield schemas.from_config_map(obj)
        except Invalid as error:
            yield Unreadable(obj["metadata"]["name"], told(error))
