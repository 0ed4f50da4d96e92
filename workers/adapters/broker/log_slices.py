"""Parts of the event log: so many entries from a place on. What lies before and after them is not read."""

import time
from collections.abc import Callable
from datetime import timedelta

from workers.adapters.broker.event_log import Logged, LogPosition, Start, entries, logged_of

FIRST, NEXT = timedelta(seconds=1.5), timedelta(seconds=0.3)
"""How long the first entry is waited for, and each that follows, where nobody knows how many there are."""
KNOWN = timedelta(seconds=10)
"""The same where it is known that one is still to come."""


def read_slice(
    url: str,
    start: Start,
    most: int,
    until: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Logged]:
    """At most `most` events from `start` on, up to the offset `until` and with it, in order; from `last` on, those that
    came together with the newest. What is no event is passed over, and counts. From a time on, some before it may be
    among them. Raises TransientError, Denied."""
    found: list[Logged] = []
    heard, seen = clock(), 0
    for entry in entries(url, LogPosition(start), lambda: False):
        if entry is None:
            patience = KNOWN if until is not None else NEXT if seen else FIRST
            if clock() - heard > patience.total_seconds():
                break
            continue
        heard, seen = clock(), seen + 1
        if until is not None and entry[0] > until:
            break
        if (logged := logged_of(entry)) is not None:
            found.append(logged)
        if seen >= most or (until is not None and entry[0] >= until):
            break
    return found
