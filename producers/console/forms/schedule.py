"""The form of a schedule, to what is asked of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from producers.console.forms.typed import Ticked
from producers.views.settings.schedule_words import CUSTOM
from schemas import schedule as schedules
from schemas import ttl as ttls
from schemas.errors import Invalid
from schemas.events import Depth
from schemas.schedule import PRESETS, Does, Missed, Schedule
from schemas.schedule.blackouts import leave_time, window
from schemas.schedule.durations import duration
from schemas.schedule.expression import parse

T = TypeVar("T")
ENTER = "Enter a valid Cron Expression"
"""KOTS' words."""


class ScheduleForm(BaseModel):
    """As it is typed. Of interval and expression the one counts that was changed: `..._before` are what the page had.
    `blackouts` are lines."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=2000)

    name: str = ""
    app: str = ""
    enabled: Ticked = False
    interval: Literal["hourly", "daily", "weekly", "custom"] = "custom"
    interval_before: str = CUSTOM
    time_zone: str = "UTC"
    expression_before: str = ""
    expression: str = Field(default="", validate_default=True)
    does: Does = "backup"
    depth: Depth = "sample"
    within: str = ""
    destination: str = ""
    copy_to: list[str] = []
    ttl: str = ""
    jitter: str = ""
    blackouts: str = ""
    missed: Missed = "once"

    @property
    def windows(self) -> tuple[str, ...]:
        """The blackout windows."""
        return tuple(line.strip() for line in self.blackouts.splitlines() if line.strip())

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        return _valid(lambda: schedules.zone(name or "UTC").key)

    @field_validator("expression")
    @classmethod
    def _expression_is_one(cls, expression: str, info: ValidationInfo) -> str:
        """The one that counts: of the interval, if that was changed alone."""
        chosen, before = info.data.get("interval", CUSTOM), info.data.get("interval_before")
        if chosen not in (CUSTOM, before) and expression == info.data.get("expression_before"):
            return PRESETS[chosen]
        if not expression:
            raise ValueError(f"{ENTER}: it says when, as 0 2 * * *")
        return check_expression(expression)

    @field_validator("within", "ttl")
    @classmethod
    def _length_is_one(cls, length: str) -> str:
        return _valid(lambda: ttls.written(length)) if length else ""

    @field_validator("jitter")
    @classmethod
    def _jitter_is_one(cls, jitter: str) -> str:
        if jitter and _valid(lambda: duration(jitter)) <= timedelta(0):
            raise ValueError("this is a duration such as 10m")
        return jitter

    @field_validator("blackouts")
    @classmethod
    def _blackouts_leave_time(cls, text: str) -> str:
        lines = [line for line in text.splitlines() if line.strip()]
        _valid(lambda: [window(line) for line in lines])
        _valid(lambda: leave_time(lines))
        return text

    def arguments(self) -> dict[str, Any]:
        """What `actions.schedules.put` is asked for, besides name and application: all of it, as all of it is shown."""
        return {
            "expression": self.expression,
            "time_zone": self.time_zone,
            "destination": self.destination,
            "copy_to": tuple(self.copy_to),
            "ttl": self.ttl,
            "jitter": self.jitter,
            "blackouts": self.windows,
            "missed": self.missed,
            "paused": not self.enabled,
            "does": self.does,
            "depth": self.depth,
            "within": self.within,
        }

    def schedule(self) -> Schedule:
        """What it would be. Raises Invalid."""
        given = {key: value for key, value in self.arguments().items() if value not in ("", ())}
        return Schedule.model_validate({**given, "name": self.name or self.app or "instance", "app": self.app or None})


def check_expression(expression: str) -> str:
    """The expression itself. Raises ValueError, with KOTS' words first."""
    try:
        parse(expression)
    except Invalid as error:
        raise ValueError(f"{ENTER}: {error}") from None
    return expression


def _valid(made: Callable[[], T]) -> T:
    """What is made. Raises ValueError in place of Invalid, so that it is said beside the field."""
    try:
        return made()
    except Invalid as error:
        raise ValueError(str(error)) from None
