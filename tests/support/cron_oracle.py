"""When a cron expression is due, found by looking at each minute that passes and at what the clock shows then.

It shares nothing with what it is compared with but the rules: what begins with `*` in its hours goes by the time that
passes; all else is once for each time that the clock should show, also for one that it skips or shows twice.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MINUTE = timedelta(minutes=1)


def due_times(expression: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """The minutes from `begin` to before `end` (UTC, at whole quarters of an hour) at which it is due."""
    fields = _Fields(expression)
    by_passing_time = expression.split()[1].startswith("*")
    found: list[datetime] = []
    newest: datetime | None = None
    """The latest time that the clock has ever shown."""
    moment, place = begin - timedelta(days=1), ZoneInfo(zone)
    while moment < end:
        # Clocks are changed at whole quarters of an hour: within one, they show each minute.
        quarter = (moment + (moment.astimezone(place).utcoffset() or timedelta(0))).replace(tzinfo=None)
        shown = [quarter + number * MINUTE for number in range(15)] if fields.may_fit(quarter) else []
        if by_passing_time:
            fit = [minute for minute in shown if fields.fit(minute)]
        else:
            fit = [minute for minute in shown if (newest is None or minute > newest) and fields.fit(minute)]
            if newest is not None and any(map(fields.fit, _minutes(newest + MINUTE, quarter - MINUTE))):
                fit = sorted({quarter, *fit})
            newest = max(newest or quarter, quarter + 14 * MINUTE)
        found += [moment + (minute - quarter) for minute in fit if moment >= begin]
        moment += 15 * MINUTE
    return found


def _minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += MINUTE


class _Fields:
    """Which times a cron expression names."""

    def __init__(self, expression: str) -> None:
        minute, hour, day, month, weekday = expression.lower().replace("?", "*").split()
        self.times = {(h, m) for h in _numbers(hour, 0, 23, []) for m in _numbers(minute, 0, 59, [])}
        self.quarters = {(h, m // 15) for h, m in self.times}
        self.days = _numbers(day, 1, 31, [])
        self.months = {number + 1 for number in _numbers(month, 0, 11, MONTHS, one=1)}
        self.weekdays = {number % 7 for number in _numbers(weekday, 0, 7, NAMES)}
        self.both = day.startswith("*") or weekday.startswith("*")

    def may_fit(self, quarter: datetime) -> bool:
        """Whether one of the minutes of a quarter of an hour may fit."""
        return (quarter.hour, quarter.minute // 15) in self.quarters

    def fit(self, shown: datetime) -> bool:
        if (shown.hour, shown.minute) not in self.times or shown.month not in self.months:
            return False
        day, weekday = shown.day in self.days, shown.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.both else (day or weekday)


def _numbers(field: str, low: int, high: int, names: list[str], one: int = 0) -> set[int]:
    """The numbers of a field; `one` is what its first is called in figures, if its names begin at nothing."""

    def number(text: str) -> int:
        return names.index(text) if text in names else int(text) - one

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            begin, _, end = span.partition("-")
            first = number(begin)
            last = number(end) if end else high if step else first
        found.update(range(first, last + 1, int(step or 1)))
    return found
