"""What people write to say when: five-field cron, `@daily` and its kin, KOTS' presets, `@every 1h45m`, and a time zone
before it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from schemas.errors import Invalid
from schemas.schedule.durations import duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST = timedelta(minutes=1)
EVERY = "@every"
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
PRESETS = {"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * MON"}
"""What KOTS' settings offer, by its names."""
_ANY = re.compile(r"(?<![^\s,])\?(?![^\s,/])")
"""`?` says the same as `*`, as in KOTS' schedules."""
_ZONE = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s+(.*)", re.DOTALL)


@dataclass(frozen=True)
class Cron:
    """Five fields that cronsim reads, in a time zone."""

    fields: str
    zone: ZoneInfo

    @property
    def elapsed(self) -> bool:
        """Whether it goes by hours that pass, rather than by what the clock shows: its hours begin with `*`."""
        return self.fields.split()[1].startswith("*")


def split_zone(text: str) -> tuple[str | None, str]:
    """The time zone before an expression (`CRON_TZ=` or `TZ=`), if it has one, and the expression alone."""
    found = _ZONE.fullmatch(text.strip())
    return (found[1], found[2].strip()) if found else (None, text.strip())


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"there is no time zone {name!r:.80}; give a name such as Europe/Berlin") from error


@lru_cache(maxsize=1024)
def parse(expression: str, time_zone: str = "UTC") -> Cron | timedelta:
    """The cron fields, or of `@every` how long. Raises Invalid for what is neither, or is never due."""
    named, text = split_zone(expression)
    if text.startswith(EVERY):
        return _every(text)
    cron = MACROS.get(text.lower()) or PRESETS.get(text.lower()) or text
    if cron.startswith("@"):
        raise Invalid(f"{text!r:.80} is not a schedule; known are {', '.join(MACROS)} and `@every 1h45m`")
    if len(cron.split()) != 5:
        raise Invalid(f"{text!r:.80} is not a schedule: cron has five fields: minute hour day month weekday")
    fields = _ANY.sub("*", cron)
    try:
        next(CronSim(fields, EPOCH.replace(tzinfo=None)))
    except (CronSimError, StopIteration) as error:
        raise Invalid(f"{text!r:.80} is not a schedule: {str(error) or 'it is never due'}") from error
    return Cron(fields, zone(named or time_zone))


def _every(text: str) -> timedelta:
    try:
        every = duration(text.removeprefix(EVERY))
    except Invalid as error:
        raise Invalid(f"{text!r:.80} is not a schedule; write a duration such as `@every 1h45m`") from error
    if every < SHORTEST:
        raise Invalid(f"{text!r:.80} is too often; the shortest is `@every 1m`")
    if every % timedelta(seconds=1):
        raise Invalid(f"{text!r:.80} is not a schedule; it has to be whole seconds")
    return every
