"""Blackout windows: parts of the week in which no run begins, such as `MON-FRI 08:00-18:00` or `22:00-02:00`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from schemas.errors import Invalid
from schemas.schedule.expression import zone
from schemas.schedule.moments import shown_at

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY = timedelta(days=1)
WEEK = 7 * DAY
_MONDAY = datetime(2024, 1, 1)
_TEXT = re.compile(r"(?:([A-Za-z,-]+)\s+)?(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)")


@dataclass(frozen=True)
class Window:
    """From `begin` on each of the `days` (0 is Monday), for `length`; as the clock shows it. `text` is what people
    wrote."""

    text: str
    days: frozenset[int]
    begin: time
    length: timedelta


@dataclass(frozen=True)
class Closed:
    """One time that a window is closed for: from `begin` to before `end`."""

    text: str
    begin: datetime
    end: datetime


def window(text: str) -> Window:
    """The window. Without days, it is on each; with an end not after its begin, it ends on the day after. Raises
    Invalid."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise Invalid(f"{text!r:.80} is no blackout window; write `MON-FRI 08:00-18:00`, or `22:00-02:00` for each day")
    days, *times = found.groups()
    begin, end = (timedelta(hours=int(times[at]), minutes=int(times[at + 1])) for at in (0, 2))
    if begin >= DAY or end > DAY or int(times[1]) > 59 or int(times[3]) > 59:
        raise Invalid(f"{text!r:.80} is no blackout window: times are from 00:00 to 24:00")
    length = end - begin if end > begin else end + DAY - begin
    return Window(text.strip(), _days(days, text), (datetime.min + begin).time(), length)


def leave_time(texts: Iterable[str]) -> None:
    """Raises Invalid where windows leave no minute of the week."""
    spans = sorted(
        (start + shift, start + shift + each.length)
        for each in map(window, texts)
        for day in each.days
        for start in [datetime.combine(_MONDAY + day * DAY, each.begin)]
        for shift in (-WEEK, timedelta(0))
    )
    covered = _MONDAY
    for begin, end in spans:
        if begin > covered:
            return
        covered = max(covered, end)
    if covered >= _MONDAY + WEEK:
        raise Invalid("the blackout windows leave no minute of the week")


def closed(texts: Iterable[str], moment: datetime, time_zone: str) -> Closed | None:
    """The window that `moment` is in, of several the one that ends last."""
    return max(_around(texts, moment, time_zone), key=lambda each: each.end, default=None)


def _around(texts: Iterable[str], moment: datetime, time_zone: str) -> Iterator[Closed]:
    today = moment.astimezone(zone(time_zone)).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    for each in map(window, texts):
        for day in (today - DAY, today):
            if day.weekday() in each.days:
                start = datetime.combine(day, each.begin)
                begin, end = (shown_at(local, time_zone) for local in (start, start + each.length))
                if begin <= moment < end:
                    yield Closed(each.text, begin, end)


def _days(text: str | None, whole: str) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.upper().split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise Invalid(f"{whole!r:.80} is no blackout window: days are {', '.join(DAYS)}, or MON-FRI")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update(range(begin, end + 1) if end >= begin else (*range(begin, 7), *range(end + 1)))
    return frozenset(found)
