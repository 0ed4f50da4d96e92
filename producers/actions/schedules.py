"""What can be done with schedules: set, forget."""

from datetime import UTC, datetime

from producers.actions import objects
from producers.session import Session
from producers.views import applications
from producers.views import schedules as views
from producers.views.schedules import ScheduleView
from schemas import schedule as schemas
from schemas.errors import Code, NotFound
from schemas.kubernetes import CONFIG_MAPS
from schemas.schedule import Schedule


def put(session: Session, name: str, expression: str, app: str | None = None) -> ScheduleView:
    """Makes a schedule, or changes it; nothing before now is due. Raises Invalid, NotFound for an application that is
    not registered, and as the cluster."""
    now = datetime.now(UTC)
    made = Schedule(name=name, expression=expression, app=app, since=now)
    if app is not None:
        applications.application(session, app, now)
    objects.apply(session.cluster, CONFIG_MAPS, schemas.to_config_map(made, session.settings.console_namespace))
    return views.view(made, now)


def forget(session: Session, name: str) -> None:
    """Takes it away; its backups stay. Raises NotFound."""
    unknown = NotFound(f"there is no schedule {name!r:.80}", code=Code.NO_SUCH_SCHEDULE, subject=name)
    namespace = session.settings.console_namespace
    objects.remove(session.cluster, CONFIG_MAPS, namespace, schemas.NAME_PREFIX + name, unknown)
