"""What can be done with schedules: set, pause, resume, run now, forget."""

import shlex
from datetime import UTC, datetime

from pydantic import ValidationError

from producers.actions import jobs, objects, verification
from producers.actions.jobs import Requested
from producers.actions.verification import Trial
from producers.session import Session
from producers.views import applications
from producers.views import schedules as views
from producers.views.schedules import ScheduleView
from schemas import events as e
from schemas import schedule as schemas
from schemas import ttl as ttls
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS
from schemas.schedule import Does, Missed, Schedule

INSTANCE = "instance"
"""What the schedule of everything is called that nobody has given another name."""


def put(
    session: Session,
    name: str | None,
    expression: str | None = None,
    app: str | None = None,
    *,
    destination: str | None = None,
    copy_to: tuple[str, ...] | None = None,
    ttl: str | None = None,
    time_zone: str | None = None,
    jitter: str | None = None,
    blackouts: tuple[str, ...] | None = None,
    missed: Missed | None = None,
    paused: bool | None = None,
    does: Does | None = None,
    depth: e.Depth | None = None,
    within: str | None = None,
    check_command: str | None = None,
    check_in: str | None = None,
    probe: str | None = None,
) -> ScheduleView:
    """Makes a schedule, or changes of it what is given: an empty text takes a value away. Nothing before now is due.
    Without a name, it is the one of the application, or of everything. Raises Invalid, NotFound for an application or
    destination that there is not, and as the cluster."""
    now = datetime.now(UTC)
    before = _existing(session, name or app or INSTANCE)
    if before and not name and before.app != (app or None):
        raise Invalid(f"the schedule {before.name!r} is one of {before.app or 'everything'}; give this one a name")
    if before is None and not expression:
        raise Invalid("a new schedule has to say when it is due: five cron fields, @daily, or `@every 6h`")
    given = {
        "expression": expression,
        "app": app,
        "destination": destination,
        "copy_to": copy_to,
        "ttl": ttls.written(ttl) if ttl else ttl,
        "time_zone": time_zone,
        "jitter": jitter,
        "blackouts": blackouts,
        "missed": missed,
        "paused": paused,
        "does": does,
        "depth": depth,
        "within": ttls.written(within) if within else within,
        "check_command": check_command,
        "check_in": check_in,
        "probe": probe,
    }
    made = _made(before, {**given, "name": name or app or INSTANCE, "since": now})
    _look_up(session, made, now)
    return _keep(session, made, now)


def pause(session: Session, name: str) -> ScheduleView:
    """Nothing is due from now on. Raises NotFound, Invalid for one that cannot be read."""
    before = views.stored(session, name)
    return _keep(session, before.model_copy(update={"paused": True}), datetime.now(UTC))


def resume(session: Session, name: str) -> ScheduleView:
    """It goes on; what was due meanwhile was not due. Raises as `pause`."""
    before, now = views.stored(session, name), datetime.now(UTC)
    if not before.paused:
        return views.view(session, before, now)
    return _keep(session, before.model_copy(update={"paused": False, "since": now}), now)


def run_now(session: Session, name: str, *, id: str | None = None) -> Requested:
    """Asks for what the schedule asks for, at once: whether or not it is paused, closed, or runs already. Raises as
    `pause`, and as `jobs.take`."""
    schedule = views.stored(session, name)
    if schedule.does == "verify":
        within, depth = ttls.length(schedule.within), schedule.depth
        return verification.verify(
            session, app=schedule.app, depth=depth, within=within, destination=schedule.destination, id=id
        )
    if schedule.does == "test-restore":
        command = shlex.split(schedule.check_command)
        trial = Trial(check_command=command, check_in=schedule.check_in, probe=schedule.probe)
        return verification.try_restore(session, "", trial, app=schedule.app, destination=schedule.destination, id=id)
    return jobs.take(
        session,
        schedule.app,
        ttl=schedule.ttl,
        copy_to=schedule.copy_to,
        destination=schedule.destination,
        schedule=schedule.name,
        id=id,
    )


def forget(session: Session, name: str) -> None:
    """Takes it away; its backups stay. Raises NotFound."""
    unknown = NotFound(f"there is no schedule {name!r:.80}", code=Code.NO_SUCH_SCHEDULE, subject=name)
    namespace = session.settings.console_namespace
    objects.remove(session.cluster, CONFIG_MAPS, namespace, schemas.NAME_PREFIX + name, unknown)


def _existing(session: Session, name: str) -> Schedule | None:
    """The schedule of that name; None also for one that cannot be read, which is replaced."""
    try:
        return views.stored(session, name)
    except NotFound:
        return None
    except Invalid as error:
        if error.code != Code.SCHEDULE_INVALID:
            raise
        return None


def _made(before: Schedule | None, given: dict[str, object]) -> Schedule:
    said = {key: value for key, value in given.items() if value is not None}
    kept = before.model_dump() if before else {}
    if "expression" in said and "time_zone" not in said and schemas.split_zone(str(said["expression"]))[0]:
        kept.pop("time_zone", None)
    whole = {**kept, **said}
    empty = {key for key, value in whole.items() if value in ("", (), ("",))}
    try:
        return Schedule.model_validate({key: value for key, value in whole.items() if key not in empty})
    except ValidationError as error:
        raise Invalid(e.explain(error)) from error


def _look_up(session: Session, made: Schedule, now: datetime) -> None:
    """Raises NotFound for what it names and there is not."""
    if made.app is not None:
        applications.application(session, made.app, now)
    for destination in (made.destination, *made.copy_to):
        if destination:
            session.destination(destination)


def _keep(session: Session, made: Schedule, now: datetime) -> ScheduleView:
    objects.apply(session.cluster, CONFIG_MAPS, schemas.to_config_map(made, session.settings.console_namespace))
    return views.view(session, made, now)
