"""How long a backup is kept: a length of time as Velero's `ttl` has it, such as `720h`, and as KOTS asks for it, by a
number and a unit. A month is 720 hours and a year 8766, as with KOTS."""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

import durationpy
from pydantic import AfterValidator

from schemas.errors import Invalid

SECONDS: Mapping[str, int] = MappingProxyType(
    {
        "seconds": 1,
        "minutes": 60,
        "hours": 3600,
        "days": 24 * 3600,
        "weeks": 168 * 3600,
        "months": 720 * 3600,
        "years": 8766 * 3600,
    }
)
"""The units, the shortest first, and how long each is."""
LONGEST = timedelta(days=200 * 366)
_WORDS = re.compile(r"(-?[0-9]+)\s*([a-z]+)", re.IGNORECASE)
_MOST_DIGITS = 12


def length(text: str) -> timedelta:
    """The length of time in `text`: a Go duration (`720h`, `1h30m`), also `30d` and `2w`. Raises Invalid for what is
    none, is not longer than nothing, or longer than 200 years."""
    try:
        found: timedelta = durationpy.from_str(text.strip())
    except (durationpy.DurationError, OverflowError) as error:
        raise Invalid(f"{text!r:.80} is no length of time; write one such as 720h, or '1 month'") from error
    if not timedelta(0) < found <= LONGEST:
        raise Invalid(
            f"a backup cannot be kept for {text!r:.80}; it has to be more than nothing, and at most 200 years"
        )
    return found


def stored(quantity: int, unit: str) -> str:
    """KOTS' form of a number of units (`months` or `month`): `720h`. Raises Invalid as `length`, and for a unit that
    there is not."""
    plural = unit.strip().lower().removesuffix("s") + "s"
    if plural not in SECONDS:
        raise Invalid(f"{unit!r:.80} is no unit of time; known are {', '.join(SECONDS)}")
    if quantity <= 0 or len(str(quantity)) > _MOST_DIGITS:
        raise Invalid(f"a backup cannot be kept for {quantity!s:.20} {plural}; it has to be more than nothing")
    short = plural in ("seconds", "minutes")
    text = f"{quantity}{plural[0]}" if short else f"{quantity * SECONDS[plural] // 3600}h"
    length(text)
    return text


def written(text: str) -> str:
    """The stored form of what a person has written: `1 month`, `30 days`, or a length as in `length`, which stays as it
    is. Raises Invalid."""
    if words := _WORDS.fullmatch(text.strip()):
        number, unit = words.groups()
        if len(unit) > 1 and unit != "ms":
            return stored(int(number[: _MOST_DIGITS + 2]), unit)
    length(text)
    return text.strip()


def quantity_and_unit(text: str) -> tuple[int, str]:
    """The inverse of `stored`: the number of the longest unit that it is a whole number of. Raises Invalid."""
    seconds = max(1, round(length(text).total_seconds()))
    unit = next(name for name in reversed(tuple(SECONDS)) if seconds % SECONDS[name] == 0)
    return seconds // SECONDS[unit], unit


def in_words(text: str) -> str:
    """For people: `1 month`. Raises Invalid."""
    quantity, unit = quantity_and_unit(text)
    return f"{quantity} {unit.removesuffix('s') if quantity == 1 else unit}"


def _is_one(text: str) -> str:
    try:
        length(text)
    except Invalid as error:
        raise ValueError(str(error)) from error
    return text


Ttl = Annotated[str, AfterValidator(_is_one)]
"""A field that holds one, in its stored form."""
