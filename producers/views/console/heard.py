"""What is heard of a job that is under way: a value that grows with each event."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from producers.views.console.logfmt import Line, of_event
from producers.views.pace import Pace, seen
from producers.views.progress import JobProgress, fold
from schemas import events as e

MOST_LINES = 200
"""Lines of its log that are kept, the newest."""


@dataclass(frozen=True)
class Heard:
    """How far it has come by its events, how fast each volume goes lately, and the newest lines of its log. `at` is the
    time of the last event (UTC), None if nothing was heard; where some were `missed`, its records know more."""

    progress: JobProgress
    paces: Mapping[str, Pace] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    at: datetime | None = None
    missed: bool = False


def hear(heard: Heard, event: e.AnyEvent) -> Heard:
    """After one more event about the job."""
    progress = fold(heard.progress, event.data)
    at = max(event.time, heard.at) if heard.at else event.time
    if isinstance(event.data, e.VolumesProgressed):
        return _advanced(replace(heard, progress=progress, at=at), event.data, event.time.timestamp())
    lines = (*heard.lines, of_event(event))[-MOST_LINES:]
    return replace(heard, progress=progress, at=at, lines=lines)


def missed(heard: Heard) -> Heard:
    """After events that nobody here has heard."""
    return replace(heard, missed=True)


def _advanced(heard: Heard, said: e.VolumesProgressed, now: float) -> Heard:
    pace = seen(heard.paces.get(said.volume, Pace()), now, said.bytes_done)
    return replace(heard, paces={**heard.paces, said.volume: pace})
