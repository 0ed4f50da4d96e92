"""One job's events as a sequence: who told whom what, in the order of the log."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from producers.views.activity.pages import CHUNK, Slices
from producers.views.activity.sentences import Said, said
from schemas import events as e
from schemas import topology
from schemas.job import snapshot_of

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

MOST_READ = 20_000
"""Entries of the log that are looked at for one job."""
STEP = 1000
AFTER = 500
"""Entries after the end of a job that are looked at: what was told of it."""
MOST_STEPS = 400
ANYBODY = "anybody"
"""The lane of those who ask: programs, people, the scheduler."""
OURS = "snapline/"
_ORDER = (
    ANYBODY,
    "license.gate",
    "manifest.capture",
    "restore.prepare",
    "restore.apply",
    topology.NODE_QUEUE_PREFIX,
    "backup.finalize",
    "restore.finalize",
    "repository.maintain",
    "watchdog",
    "retention",
    "alarms",
    "notify",
)


@dataclass(frozen=True)
class JobEvents:
    """What the log has of a job. It is `cut` where more was not looked at."""

    events: "tuple[Logged, ...]"
    cut: bool = False


@dataclass(frozen=True)
class Step:
    """One event: told by the lane `source` to the lanes `targets`, by number; its own is among them where it goes to
    itself. `more` like it follow. `payload` is the event as JSON."""

    logged: "Logged"
    said: Said
    source: int
    targets: tuple[int, ...]
    payload: str
    more: int = 0


@dataclass(frozen=True)
class Story:
    """Who takes part, in the order of the line; and what was told. `left` steps are not shown."""

    lanes: tuple[str, ...]
    steps: tuple[Step, ...]
    left: int = 0


def job_events(
    slices: Slices,
    recent: "Sequence[Logged]",
    since: datetime,
    concerns: "Callable[[e.AnyEvent], bool]",
    most: int = MOST_READ,
) -> JobEvents:
    """The events from `since` on that concern a job, until its end and a while after it, or the end of the log. Raises
    as reading does."""
    newest = (recent or slices("last", CHUNK))[-1:]
    found: list[Logged] = []
    if not newest:
        return JobEvents(())
    last, read, left = newest[0].offset, 0, most
    lot = slices(since, STEP, last)
    while lot:
        for logged in lot:
            read, left = read + 1, left - 1
            if concerns(logged.event):
                found.append(logged)
                if isinstance(logged.event.data, e.FINAL):
                    left = min(left, AFTER)
        if lot[-1].offset >= last or left <= 0:
            break
        lot = slices(lot[-1].offset + 1, min(STEP, max(1, left)), last)
    ended = any(isinstance(logged.event.data, e.FINAL) for logged in found)
    return JobEvents(tuple(found), cut=left <= 0 and not ended)


def sequence(events: "Iterable[Logged]", most: int = MOST_STEPS) -> Story:
    """Of a job's events in their order; reports of progress that follow each other are gathered."""
    shown: list[tuple[Logged, int]] = []
    left = 0
    for logged in events:
        if shown and _joins(shown[-1][0], logged):
            shown[-1] = shown[-1][0], shown[-1][1] + 1
        elif len(shown) >= most:
            left += 1
        else:
            shown.append((logged, 0))
    parts = {name for logged, _ in shown for name in (teller(logged.event), *hearers(logged.event.data))}
    lanes = sorted(parts, key=_place)
    return Story(tuple(lanes), tuple(_step(logged, more, lanes) for logged, more in shown), left)


def _step(logged: "Logged", more: int, lanes: Sequence[str]) -> Step:
    data = logged.event.data
    source, targets = lanes.index(teller(logged.event)), tuple(map(lanes.index, hearers(data)))
    return Step(logged, said(data), source, targets, payload(logged.event), more)


def hearers(event: e.Event) -> list[str]:
    """The queues for which it was told. The end of a backup concerns a restore only if that waits for it."""
    if isinstance(event, e.FINAL):
        waits = isinstance(event, e.BackupFinal) and snapshot_of(event.job) is not None
        return ["notify", *(["restore.prepare"] if waits else [])]
    return [queue.name for queue in topology.carrying_on(event) or topology.hearing(event)]


def teller(event: e.AnyEvent) -> str:
    """The service that told it, by what it says of itself; `ANYBODY` for who is none of the line."""
    name = event.source.removeprefix(OURS)
    known = name in topology.QUEUES or name.startswith(topology.NODE_QUEUE_PREFIX)
    return name if event.source.startswith(OURS) and known else ANYBODY


def payload(event: e.AnyEvent) -> str:
    """The event as it is on the wire, for people."""
    return json.dumps(json.loads(e.encode(event)), indent=1, ensure_ascii=False)


def _place(name: str) -> tuple[int, str]:
    """Lanes stand in the order of the line, the nodes' beside each other."""
    known = topology.NODE_QUEUE_PREFIX if name.startswith(topology.NODE_QUEUE_PREFIX) else name
    return (_ORDER.index(known) if known in _ORDER else len(_ORDER), name)


def _joins(one: "Logged", other: "Logged") -> bool:
    before, after = one.event.data, other.event.data
    return isinstance(before, e.PROGRESS) and type(before) is type(after)
