"""Times and lengths in sentences: English, UTC, never more exact than anybody wants to hear."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def length(span: timedelta) -> str:
    """`42 hours`, `1 minute`; two days and more as days, from three days on."""
    if span >= 3 * DAY:
        return counted(span // DAY, "day")
    if span >= HOUR:
        return counted(span // HOUR, "hour")
    return counted(max(1, span // MINUTE), "minute")


def short(span: timedelta) -> str:
    """`42 h`, `14 min`, `7 d`."""
    if span >= 3 * DAY:
        return f"{span / DAY:.0f} d"
    if span >= 2 * HOUR:
        return f"{span / HOUR:.0f} h"
    return f"{max(0.0, span / MINUTE):.0f} min"


def moment(at: datetime) -> str:
    """`26 Nov 02:00`."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %H:%M}"


def day(at: datetime) -> str:
    """`26 Nov`."""
    return f"{at.day} {at:%b}"


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 volume`, `2 volumes`."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
