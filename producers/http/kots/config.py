"""Schedule and retention as KOTS' console has them: one schedule and one length of time, of full snapshots or of an
application's."""

from producers.actions import retention as retention_actions
from producers.actions import schedules as schedule_actions
from producers.actions.schedules import INSTANCE
from producers.http.api.operation import Call
from producers.http.kots import models as m
from producers.views import schedules
from producers.views.retention import rules
from schemas import retention, ttl
from schemas.errors import Code, Invalid, NotFound
from schemas.retention import Rules
from schemas.schedule import Schedule

USUAL_SCHEDULE = "0 0 * * MON"
USUAL_TTL = "720h"
"""What KOTS shows where nothing is set."""


def snapshot_config(call: Call) -> m.Config:
    """Schedule and retention of full snapshots."""
    return _config(call, None)


def app_snapshot_config(call: Call, app: str) -> m.Config:
    """Schedule and retention of an application's snapshots."""
    return _config(call, app)


def set_snapshot_schedule(call: Call, body: m.SetSchedule) -> m.Done:
    """Say when full snapshots are taken, or that none are."""
    return _set_schedule(call, None, body)


def set_app_snapshot_schedule(call: Call, app: str, body: m.SetSchedule) -> m.Done:
    """Say when snapshots of an application are taken, or that none are."""
    return _set_schedule(call, app, body)


def set_snapshot_retention(call: Call, body: m.SetRetention) -> m.Done:
    """Say for how long full snapshots are kept. It counts for those to come."""
    return _set_retention(call, None, body)


def set_app_snapshot_retention(call: Call, app: str, body: m.SetRetention) -> m.Done:
    """Say for how long snapshots of an application are kept. It counts for those to come."""
    return _set_retention(call, app, body)


def _config(call: Call, app: str | None) -> m.Config:
    schedule, kept = _schedule(call, app), _rules(call, app)
    converted = kept.ttl if kept and kept.ttl else USUAL_TTL
    quantity, unit = ttl.quantity_and_unit(converted)
    return m.Config(
        autoEnabled=schedule is not None and not schedule.paused,
        autoSchedule=m.AutoSchedule(schedule=schedule.expression if schedule else USUAL_SCHEDULE),
        ttl=m.Ttl(inputValue=str(quantity), inputTimeUnit=unit, converted=converted),
    )


def _set_schedule(call: Call, app: str | None, body: m.SetSchedule) -> m.Done:
    if not body.autoEnabled and _schedule(call, app) is None:
        return m.Done()  # none is what was asked for
    expression = body.schedule.strip() or None
    if body.autoEnabled and expression is None:
        text = "a schedule has to say when it is due: five cron fields, @daily, or `@every 6h`"
        raise Invalid(text, code=Code.SCHEDULE_INVALID, subject=app or INSTANCE)
    schedule_actions.put(call.session, None, expression, app, paused=not body.autoEnabled)
    return m.Done()


def _set_retention(call: Call, app: str | None, body: m.SetRetention) -> m.Done:
    length = ttl.stored(int(body.inputValue), body.inputTimeUnit)
    wanted = (_rules(call, app) or Rules()).model_copy(update={"ttl": length})
    retention_actions.put(call.session, retention.scope_of(app), wanted)
    return m.Done()


def _schedule(call: Call, app: str | None) -> Schedule | None:
    try:
        return schedules.stored(call.session, app or INSTANCE)
    except NotFound:
        return None


def _rules(call: Call, app: str | None) -> Rules | None:
    """Raises Invalid for rules that cannot be read."""
    scope = retention.scope_of(app)
    for each in rules(call.session):
        if each.scope == scope:
            if each.problem:
                raise Invalid(str(each.problem), code=Code.RETENTION_INVALID, subject=scope)
            return each.rules
    return None
