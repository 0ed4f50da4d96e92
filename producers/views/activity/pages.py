"""The event log, newest first, a page at a time: so much of it is read as a page needs, and never more than a bound."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from producers.views.activity.filters import Filter, may_see
from producers.views.activity.sentences import Said, said
from schemas import events as e

if TYPE_CHECKING:
    from workers.adapters.broker import Logged, Start

ROWS = 50
WINDOWS = (200, 800, 4000)
"""Entries that are read at once: few at first, more where few of them pass. Together they bound what a page reads."""
CHUNK = 5000
"""More entries than come together."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""So much out of order the times of entries may be."""


class Slices(Protocol):
    """Reads a part of the log; see `Bus.log_slice`."""

    def __call__(self, start: "Start", most: int, until: int | None = None) -> "list[Logged]":
        """At most `most` entries from `start` on, up to the offset `until`."""
        ...


@dataclass(frozen=True)
class Row:
    """One event and what it says; `more` like it stand right before it in time: reports of progress of one job."""

    logged: "Logged"
    said: Said
    more: int = 0


@dataclass(frozen=True)
class EventPage:
    """One page. The next one begins before the offset `older`; None at the beginning of the log, or of what is asked
    for. `scanned` entries were looked at. With fewer rows than a page has and an `older` one, the bound was met."""

    rows: tuple[Row, ...]
    older: int | None
    scanned: int


def event_page(
    slices: Slices,
    recent: "Sequence[Logged]",
    wanted: Filter,
    before: int | None = None,
    apps: Collection[str] | None = None,
    rows: int = ROWS,
) -> EventPage:
    """The newest events that pass, older than the offset `before`. `recent` are the newest entries, if somebody has
    them at hand. Somebody to whom only `apps` are granted sees those of theirs. Raises as reading does."""
    found: list[Row] = []
    scanned, oldest = 0, before
    for entries in _backwards(slices, recent, wanted.until, before):
        if not entries:
            return EventPage(tuple(found), None, scanned)
        for logged in reversed(entries):
            if wanted.since is not None and logged.event.time < wanted.since - CLOCKS_DIFFER:
                return EventPage(tuple(found), None, scanned)
            if wanted.passes(logged) and may_see(logged.event, apps):
                if found and _joins(found[-1].logged, logged):
                    found[-1] = replace(found[-1], more=found[-1].more + 1)
                elif len(found) == rows:
                    return EventPage(tuple(found), logged.offset + 1, scanned)
                else:
                    found.append(Row(logged, said(logged.event.data)))
            scanned, oldest = scanned + 1, logged.offset
    return EventPage(tuple(found), oldest, scanned)


def _joins(newer: "Logged", older: "Logged") -> bool:
    """Whether both report the progress of the same job."""
    one, other = newer.event.data, older.event.data
    if isinstance(one, e.VolumesProgressed) and isinstance(other, e.VolumesProgressed):
        return one.job == other.job
    return (
        isinstance(one, e.UpkeepProgressed) and isinstance(other, e.UpkeepProgressed) and one.request == other.request
    )


def _backwards(
    slices: Slices, recent: "Sequence[Logged]", until: datetime | None, before: int | None
) -> "Iterator[Sequence[Logged]]":
    """Entries in their order, but the newest lot first; an empty lot says that there is no older one."""
    if before is not None:
        end = before - 1
    elif until is not None and (after := slices(until, CHUNK // 10)):
        later = [logged.offset for logged in after if logged.event.time > until + CLOCKS_DIFFER]
        end = later[0] - 1 if later else after[-1].offset
    else:
        newest = recent or slices("last", CHUNK)
        yield newest
        end = newest[0].offset - 1 if newest else -1
    for window in WINDOWS:
        start = max(0, end - window + 1)
        lot = slices(start, window, end) if end >= 0 else []
        yield lot
        if not lot:
            return
        end = start - 1
