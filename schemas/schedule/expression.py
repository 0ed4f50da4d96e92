"""When schedules are due: five-field cron, `@daily` and its kin, `@every 1h45m`. All times are UTC."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from schemas.errors import Invalid
from schemas.schedule.durations import duration

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


def _every(text: str) -> timedelta:
    try:
        every = duration(text.removeprefix("@every"))
    except Invalid as error:
        raise Invalid(f"{text!r:.80} is not a schedule; write a duration such as `@every 1h45m`") from error
    if every < SHORTEST:
        raise Invalid(f"{text!r:.80} is too often; the shortest is `@every 1m`")
    return every


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"there is no time zone {name!r:.80}; give a name such as Europe/Berlin") from error
