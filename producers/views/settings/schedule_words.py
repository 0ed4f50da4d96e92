"""A schedule as KOTS' settings say it: a sentence with a twelve-hour clock, and the runs that are next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from producers.views.schedules import next_runs
from schemas import ttl
from schemas.schedule import PRESETS, Schedule, zone
from schemas.schedule.expression import parse

CUSTOM = "custom"


@dataclass(frozen=True)
class Upcoming:
    """A run that begins at `at`, in the time zone of its schedule; `note` says why that is later than it is due."""

    at: datetime
    note: str = ""


def in_words(expression: str, time_zone: str = "UTC") -> str:
    """What an expression says: `At 12:00 AM, only on Sunday`. Raises Invalid for what is no schedule."""
    when = parse(expression, time_zone)
    if isinstance(when, timedelta):
        return f"Every {ttl.in_words(f'{when.total_seconds():.0f}s')}"
    # Some hundredths of a second, for what only settings show.
    import cron_descriptor as descriptor  # type: ignore[import-untyped]

    options = descriptor.Options()
    options.use_24hour_time_format, options.locale_code = False, "en_US"
    try:
        return str(descriptor.get_description(when.fields, options))
    except (descriptor.FormatError, descriptor.MissingFieldError, descriptor.WrongArgumentError):
        return when.fields


def upcoming(schedule: Schedule, now: datetime) -> list[Upcoming]:
    """The next five, paused or not. Raises Invalid."""
    going = schedule.model_copy(update={"paused": False, "since": max(schedule.since, now)})
    where = zone(schedule.time_zone)
    return [
        Upcoming(run.starts.astimezone(where), _note(run.due, run.starts, run.blackout))
        for run in next_runs(going, now)
    ]


def interval_of(expression: str) -> str:
    """The name that KOTS has for it: `hourly`, `daily`, `weekly`, else `custom`."""
    return next((name for name, each in PRESETS.items() if expression in (name, each)), CUSTOM)


def _note(due: datetime, starts: datetime, blackout: str | None) -> str:
    if blackout:
        return f"after {blackout}, when none begins"
    return "spread by its jitter" if starts != due else ""
