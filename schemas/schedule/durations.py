"""Durations as Go writes them: `720h`, `1h45m`, `240h0m0s`."""

from datetime import timedelta

import durationpy

from schemas.errors import Invalid


def duration(text: str) -> timedelta:
    """What the text says. Raises Invalid."""
    try:
        found: timedelta = durationpy.from_str(text.strip())
    except (durationpy.DurationError, OverflowError) as error:
        raise Invalid(f"{text!r:.80} is not a duration; write for example 90m, 1h45m or 720h") from error
    return found
