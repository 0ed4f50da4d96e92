"""What can be done about how long backups are kept: set rules, forget them."""

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from producers.actions import objects
from producers.session import Session
from producers.views import applications, schedules
from producers.views.retention import RulesView
from schemas import retention
from schemas import ttl as ttls
from schemas.errors import Code, Invalid, NotFound
from schemas.events import explain
from schemas.kubernetes import CONFIG_MAPS
from schemas.retention import PRESETS, SAFETY_SNAPSHOTS, Rules

LENGTHS = ("ttl", "keep_within", "min_age")


def scope_of(app: str | None = None, schedule: str | None = None, *, safety_snapshots: bool = False) -> str:
    """What rules are about: an application's own backups, those of a schedule, safety snapshots, or else full backups.
    Raises Invalid for more than one of them."""
    if (app is not None) + (schedule is not None) + safety_snapshots > 1:
        raise Invalid("choose one of: an application, a schedule, safety snapshots")
    return SAFETY_SNAPSHOTS if safety_snapshots else retention.scope_of(app, schedule)


def rules(preset: str | None = None, **given: Any) -> Rules:
    """The rules that a person has written: those of a `preset`, and those fields of `Rules` that are `given` and not
    None. Raises Invalid, also for nothing at all."""
    if preset is not None and preset not in PRESETS:
        raise Invalid(f"there is no preset {preset!r:.80}; there are {', '.join(PRESETS)}")
    base = PRESETS[preset].model_dump(exclude_defaults=True) if preset else {}
    written = {key: value for key, value in given.items() if value is not None}
    written |= {key: ttls.written(written[key]) for key in LENGTHS if key in written}
    if not base and not written:
        raise Invalid("say for how long to keep backups: a ttl, which of them to keep, or a preset")
    try:
        return Rules.model_validate({**base, **written})
    except ValidationError as error:
        raise Invalid(explain(error)) from error


def put(session: Session, scope: str, wanted: Rules) -> RulesView:
    """Keeps these rules of a scope, in place of what there was. Raises NotFound for an application or a schedule that
    there is not, and as the cluster."""
    kind, _, name = scope.partition("/")
    if kind == "app":
        applications.application(session, name, datetime.now(UTC))
    if kind == "schedule":
        schedules.schedule(session, name)
    obj = retention.to_config_map(scope, wanted, session.settings.console_namespace)
    objects.apply(session.cluster, CONFIG_MAPS, obj)
    return RulesView(scope, wanted)


def forget(session: Session, scope: str) -> None:
    """Takes the rules of a scope away; backups keep the ttl that they have. Raises NotFound."""
    unknown = NotFound(f"there are no rules of {scope}", code=Code.NO_SUCH_RETENTION, subject=scope)
    namespace = session.settings.console_namespace
    objects.remove(session.cluster, CONFIG_MAPS, namespace, retention.config_map_name(scope), unknown)
