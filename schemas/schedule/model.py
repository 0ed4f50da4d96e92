"""A schedule: what to ask for, when, and under which conditions."""

import re
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from schemas.errors import Invalid
from schemas.events import THE_DEFAULT, Depth
from schemas.events import Missed as Missed
from schemas.schedule.blackouts import leave_time, window
from schemas.schedule.durations import duration
from schemas.schedule.expression import EPOCH, parse, split_zone, zone
from schemas.ttl import Ttl

Does = Literal["backup", "verify", "test-restore"]
"""What a schedule asks for: a backup, or that the newest good one is verified, or restored on trial."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")


class Schedule(BaseModel):
    """When to take which snapshot: of application `app`, or a full one, into `destination` (`THE_DEFAULT`: whichever it
    is then), from where it is copied to those in `copy_to`, and kept for `ttl` (a duration such as `720h`). Nothing is
    due before `since`, nor while it is `paused`. Cron fields are read in `time_zone`. Each run begins up to `jitter` (a
    duration) after it is due, and none in a `blackouts` window. One that verifies says how deep, and within which time
    samples cover everything; one that restores on trial, what is checked (`check_command` as a shell splits it)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    expression: str
    does: Does = "backup"
    depth: Depth = "sample"
    within: Ttl = "720h"
    check_command: str = ""
    check_in: str = ""
    probe: str = ""
    app: str | None = None
    destination: str = THE_DEFAULT
    copy_to: tuple[str, ...] = ()
    ttl: Ttl | None = None
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

    @model_validator(mode="before")
    @classmethod
    def _time_zone_before_the_expression(cls, given: Any) -> Any:
        """`CRON_TZ=Europe/Berlin 0 2 * * *` says what `time_zone` says. Raises Invalid where the two differ."""
        if not isinstance(given, dict) or not isinstance(given.get("expression"), str):
            return given
        named, expression = split_zone(given["expression"])
        if named and given.get("time_zone") not in (None, named):
            raise Invalid(f"the expression says {named!r:.80}, and the time zone is {given['time_zone']!r:.80}")
        return {**given, "expression": expression, **({"time_zone": named} if named else {})}

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

    @field_validator("blackouts")
    @classmethod
    def _windows_leave_time(cls, blackouts: tuple[str, ...]) -> tuple[str, ...]:
        leave_time(blackouts)
        return tuple(window(text).text for text in blackouts)

    @model_validator(mode="after")
    def _is_due_some_time(self) -> "Schedule":
        parse(self.expression, self.time_zone)
        return self
