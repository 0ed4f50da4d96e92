"""Schedules: five-field cron, `@daily` and its kin, `@every 1h45m`. All times are UTC.

Kept as ConfigMaps in the console's namespace, labelled `snapline.dev/schedule=<name>`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import durationpy
from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from schemas.errors import Code, Invalid
from schemas.events import explain

LABEL = "snapline.dev/schedule"
NAME_PREFIX = "snapline-schedule-"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST = timedelta(minutes=1)
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
ANY = re.compile(r"(?<![^\s,])\?(?![^\s,/])")
"""`?` says the same as `*`, as in KOTS' schedules."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")


class Schedule(BaseModel):
    """When to take which snapshot: of application `app`, or a full one. Nothing is due before `since`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    expression: str
    app: str | None = None
    since: datetime = EPOCH

    @field_validator("name")
    @classmethod
    def _name_is_a_dns_label(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise Invalid(f"a schedule cannot be called {name!r:.80}; use a-z, 0-9 and '-', at most 53 characters")
        return name

    @field_validator("expression")
    @classmethod
    def _expression_is_one(cls, expression: str) -> str:
        next_due(expression, EPOCH)
        return expression.strip()


def next_due(expression: str, after: datetime) -> datetime:
    """The first due time after `after`. `@every` counts from 1970, so that all schedulers agree. Raises Invalid."""
    text = expression.strip()
    if text.startswith("@every"):
        every = _every(text)
        return EPOCH + ((after - EPOCH) // every + 1) * every
    return _next(text, after)


def last_due(expression: str, after: datetime, until: datetime) -> datetime | None:
    """The latest due time after `after` and up to `until`: of several runs that were missed, only the newest counts.
    Raises Invalid."""
    text = expression.strip()
    if text.startswith("@every"):
        every = _every(text)
        found = EPOCH + (until - EPOCH) // every * every
    else:
        # Counting back begins before the minute that is given.
        found = _next(text, until.replace(second=0, microsecond=0) + timedelta(minutes=1), reverse=True)
    return found if found > after else None


def _next(text: str, moment: datetime, *, reverse: bool = False) -> datetime:
    """The first due time of a cron expression after `moment`, or the last one before it. Raises Invalid."""
    cron = MACROS.get(text.lower(), text)
    if cron.startswith("@"):
        raise Invalid(f"{text!r:.80} is not a schedule; known are {', '.join(MACROS)} and `@every 1h45m`")
    if len(cron.split()) != 5:
        raise Invalid(f"{text!r:.80} is not a schedule: cron has five fields: minute hour day month weekday")
    try:
        return next(CronSim(ANY.sub("*", cron), moment.astimezone(UTC), reverse))
    except (CronSimError, StopIteration) as error:
        raise Invalid(f"{text!r:.80} is not a schedule: {str(error) or 'it is never due'}") from error


def request_id(schedule: Schedule, due: datetime) -> str:
    """The event id of a scheduled request: the same for every scheduler."""
    return f"schedule/{schedule.name}/{due.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"


def to_config_map(schedule: Schedule, console_namespace: str) -> dict[str, Any]:
    """The ConfigMap that keeps it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME_PREFIX + schedule.name,
            "namespace": console_namespace,
            "labels": {LABEL: schedule.name, "kots.io/kotsadm": "true", "kots.io/backup": "velero"},
        },
        "data": {
            "expression": schedule.expression,
            "since": schedule.since.isoformat(),
            **({"app": schedule.app} if schedule.app else {}),
        },
    }


def from_config_map(obj: Mapping[str, Any]) -> Schedule:
    """The schedule that a ConfigMap keeps. Raises Invalid."""
    data = obj.get("data") or {}
    name = ((obj.get("metadata") or {}).get("labels") or {}).get(LABEL, "")
    if "expression" not in data:
        raise Invalid(f"the ConfigMap of schedule {name!r:.80} has no data.expression", code=Code.SCHEDULE_INVALID)
    try:
        return Schedule(name=name, **{key: data[key] for key in ("expression", "app", "since") if key in data})
    except ValidationError as error:
        raise Invalid(f"the ConfigMap of schedule {name!r:.80} is wrong: {explain(error)}") from error


def _every(text: str) -> timedelta:
    try:
        every: timedelta = durationpy.from_str(text.removeprefix("@every").strip())
    except durationpy.DurationError as error:
        raise Invalid(f"{text!r:.80} is not a schedule; write a duration such as `@every 1h45m`") from error
    if every < SHORTEST:
        raise Invalid(f"{text!r:.80} is too often; the shortest is `@every 1m`")
    return every
