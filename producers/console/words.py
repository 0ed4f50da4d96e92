"""How pages say sizes, moments and lengths of time. Never a guess: what is unknown is said to be none."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

UNITS: Sequence[str] = ("bytes", "kB", "MB", "GB", "TB", "PB")
NBSP = "\N{NO-BREAK SPACE}"
ROUNDS_UP = 999.5
TENTHS_BELOW, LEAST_TENTH = 9.95, 0.05
"""Seconds that are said with tenths, and the fewest of which there is one."""


def size(count: int) -> str:
    """Bytes with three digits, decimal: `12.5 MB`. The space does not break."""
    if count < 1000:
        return f"{count}{NBSP}{'byte' if count == 1 else 'bytes'}"
    value, unit = float(count), 0
    while value >= ROUNDS_UP and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}{NBSP}{UNITS[unit]}"


def moment(when: datetime) -> str:
    """UTC, for tables: `26 Nov 02:00`."""
    at = when.astimezone(UTC)
    return f"{at.day} {at:%b %H:%M}"


def whole_moment(when: datetime) -> str:
    """UTC, for sentences and dialogs: `26 Nov 2026, 02:00 UTC`."""
    at = when.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def ago(when: datetime, now: datetime) -> str:
    """How far from now: `42 h ago`, `in 6 h`, `just now`."""
    distance = now - when
    if abs(distance) < timedelta(minutes=1):
        return "just now"
    return f"{roughly(distance)} ago" if distance > timedelta(0) else f"in {roughly(-distance)}"


def roughly(length: timedelta) -> str:
    """In one unit, with two digits or so: `40 s`, `13 min`, `42 h`, `5 d`."""
    seconds = max(length.total_seconds(), 0)
    for limit, unit, name in ((120, 1, "s"), (120 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f}{NBSP}{name}"
    return f"{int(seconds / 86400 + 0.5)}{NBSP}d"


def duration(length: timedelta) -> str:
    """As exact as people want it: `8 s`, `13 min 47 s`, `3 h 50 min`, `2 d 4 h`."""
    seconds = round(max(length.total_seconds(), 0))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s"))
    first = next((at for at, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(
        f"{count}{NBSP}{unit}" for count, unit in parts[first : first + 2] if count or unit == "s" == parts[first][1]
    )


def length_of(length: timedelta) -> str:
    """As `duration`, but with tenths below ten seconds: `under 0.1 s`, `0.4 s`, `38 s`, `3 min 40 s`."""
    seconds = max(length.total_seconds(), 0)
    if 0 < seconds < LEAST_TENTH:
        return f"under 0.1{NBSP}s"
    return f"{seconds:.1f}{NBSP}s" if seconds < TENTHS_BELOW else duration(length)


def seconds_of(count: float) -> str:
    """As `length_of`, of seconds."""
    return length_of(timedelta(seconds=count))


def clock(when: datetime, of: timedelta) -> str:
    """UTC, for an axis over so much time: `02:00`, `02:00:30`, `26 Nov`."""
    at = when.astimezone(UTC)
    if of > timedelta(days=2):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if of >= timedelta(minutes=2) else f"{at:%H:%M:%S}"


def sentence(code: str) -> str:
    """A code as words: `Hook failed` for `HookFailed`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code).lower()
    return words[:1].upper() + words[1:]


def plural(count: int, one: str, many: str = "") -> str:
    """`1 volume`, `2 volumes`."""
    return f"{count:,}{NBSP}{one if count == 1 else many or one + 's'}"
