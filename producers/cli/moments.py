"""Moments as people type them."""

import re
from datetime import UTC, datetime, timedelta

from schemas.errors import Invalid

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"([0-9]{1,6})([smhdw])")


def moment(text: str, now: datetime) -> datetime:
    """So long before `now` (`90m`, `2h`, `3d`, `1w`), or an RFC 3339 time or a date, which are UTC unless they say
    otherwise. Raises Invalid."""
    try:
        if length := _LENGTH.fullmatch(text):
            return now - timedelta(seconds=int(length[1]) * _UNITS[length[2]])
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{text!r:.60} is neither a length of time (90m, 2h, 3d) nor an RFC 3339 time") from None
