"""A schedule: what to ask for, when, and under which conditions."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from schemas.errors import Invalid
from schemas.events import THE_DEFAULT
from schemas.schedule.durations import duration
from schemas.schedule.expression import EPOCH, next_due, zone

Does = Literal["backup"]
"""What a schedule asks for."""
Missed = Literal["once", "skip"]
"""What becomes of a run that nobody asked for in time: it is made up for once, or not at all."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")


class Schedule(BaseModel):
    """When to take which snapshot: of application `app`, or a full one, into `destination` (`THE_DEFAULT`: whichever it
    is then), from where it is copied to those in `copy_to`, and kept for `ttl` (a duration such as `720h`). Nothing is
    due before `since`, nor while it is `paused`. Cron fields are read in `time_zone`. Each run begins up to `jitter` (a
    duration) after it is due, and none in a `blackouts` window."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    expression: str
    does: Does = "backup"
    app: str | None = None
    destination: str = THE_DEFAULT
    copy_to: tuple[str, ...] = ()
    ttl: str | None = None
    time_zone: str = "UTC"
    jitter: str | None = None
    blackouts: tuple[str, ...] = ()
    missed: Missed = "once"
    paused: bool = False
    since: datetime = EPOCH

    @field_validator("name")
    @classmethod
    def _name_is_a_dns_label(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise Invalid(f"a schedule cannot be called {name!r:.80}; use a-z, 0-9 and '-', at most 53 characters")
        return name

    @field_validator("expression")
    @classmethod
    def _without_space_around(cls, expression: str) -> str:
        return expression.strip()

    @field_validator("ttl")
    @classmethod
    def _something_is_kept(cls, ttl: str | None) -> str | None:
        if ttl is not None and duration(ttl) <= timedelta(0):
            raise Invalid(f"{ttl!r:.80} is no time to keep a snapshot for; give a duration such as 720h")
        return ttl

    @field_validator("time_zone")
    @classmethod
    def _time_zone_is_known(cls, time_zone: str) -> str:
        zone(time_zone)
        return time_zone

    @field_validator("jitter")
    @classmethod
    def _jitter_is_a_duration(cls, jitter: str | None) -> str | None:
        if jitter is not None and duration(jitter) < timedelta(0):
            raise Invalid(f"{jitter!r:.80} is no jitter; give a duration such as 10m")
        return jitter

    @model_validator(mode="after")
    def _is_due_some_time(self) -> "Schedule":
        next_due(self.expression, EPOCH)
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that its cron fields are read in."""
        return zone(self.time_zone)


def request_id(schedule: Schedule, due: datetime) -> str:
    """The event id of a scheduled request: the same for every scheduler."""
    return f"schedule/{schedule.name}/{due.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
