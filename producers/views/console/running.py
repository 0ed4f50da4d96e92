"""A job that is under way as the console shows it: its steps as a line, its volumes with bars, what is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from producers.views.console.logfmt import Line
from producers.views.progress import Phase
from schemas.job import Job
from schemas.messages import Message

StepState = Literal["done", "running", "waiting", "ahead", "skipped"]
VolumeState = Literal["Waiting", "In Progress", "Retrying", "Completed", "Failed"]


@dataclass(frozen=True)
class VolumeBar:
    """One volume. Sizes are bytes, `rate` bytes a second; None where nobody knows. `took` is there when it is done."""

    key: str
    node: str
    state: VolumeState
    done: int = 0
    total: int | None = None
    rate: float | None = None
    left: timedelta | None = None
    took: timedelta | None = None

    @property
    def percent(self) -> int | None:
        """How much is done, in whole percents; None where that is not known."""
        if self.state == "Completed":
            return 100
        if self.total is None:
            return 0 if self.state == "Waiting" else None
        return min(99, 100 * self.done // self.total) if self.total else 0


@dataclass(frozen=True)
class Track:
    """The volumes of one node, as a part of the line."""

    node: str
    volumes: tuple[VolumeBar, ...]

    @property
    def done(self) -> int:
        """Volumes that are whole."""
        return sum(each.state == "Completed" for each in self.volumes)

    @property
    def bytes_done(self) -> int:
        """Over its volumes."""
        return sum(each.done for each in self.volumes)

    @property
    def bytes_total(self) -> int | None:
        """Over its volumes; None while that of one is not known."""
        sizes = [each.total for each in self.volumes]
        return sum(size for size in sizes if size is not None) if None not in sizes else None

    @property
    def percent(self) -> int:
        """By bytes, or else by volumes."""
        total = self.bytes_total
        if self.done == len(self.volumes):
            return 100
        return min(99, 100 * self.bytes_done // total if total else 100 * self.done // (len(self.volumes) or 1))

    @property
    def left(self) -> timedelta | None:
        """Until the last of those that are worked on is done, if nothing waits behind it."""
        waiting = any(each.state == "Waiting" for each in self.volumes)
        known = [each.left for each in self.volumes if each.left is not None]
        return max(known) if known and not waiting else None

    @property
    def trouble(self) -> int:
        """Volumes that have failed or are tried again."""
        return sum(each.state in ("Failed", "Retrying") for each in self.volumes)


@dataclass(frozen=True)
class Step:
    """One station of the line. The one of the volumes has a track for each node."""

    name: str
    state: StepState
    queue: str
    note: str = ""
    tracks: tuple[Track, ...] = ()


@dataclass(frozen=True)
class Again:
    """That something has failed, and is tried again at `at` (UTC): what (empty for the job as a whole), and why."""

    what: str
    why: str
    at: datetime


@dataclass(frozen=True)
class RunningJob:
    """All that is shown of a job that is under way. `phase` says where it is; `behind` is the job (of `behind_kind`)
    that it waits for, since `behind_since`. Bytes and the time left are over all volumes; None where nobody knows.
    `stalled` counts how often it stood still and was helped; nobody serves the queues that are `unserved`. `heard_at`
    is the time of the last news; the bus is away since `lost_since`. `doubts` could not be read."""

    job: Job
    state: str
    phase: Phase
    requested_at: datetime
    steps: tuple[Step, ...]
    volumes: tuple[VolumeBar, ...] = ()
    bytes_done: int = 0
    bytes_total: int | None = None
    rate: float | None = None
    left: timedelta | None = None
    uploaded: int | None = None
    objects: int = 0
    scripts_before: int = 0
    scripts_after: int = 0
    scripts_failed: int = 0
    behind: str = ""
    behind_kind: str = ""
    behind_since: datetime | None = None
    again: Again | None = None
    stalled: int = 0
    unserved: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()
    snapshot: str | None = None
    lines: tuple[Line, ...] = ()
    heard_at: datetime | None = None
    lost_since: datetime | None = None
    doubts: tuple[Message, ...] = ()

    @property
    def percent(self) -> int | None:
        """Over all volumes, by bytes; else by volumes; None where there is neither yet."""
        if self.bytes_total:
            return min(99, 100 * self.bytes_done // self.bytes_total)
        return 100 * self.count("Completed") // len(self.volumes) if self.volumes else None

    def count(self, state: VolumeState) -> int:
        """Volumes in that state."""
        return sum(each.state == state for each in self.volumes)

    @property
    def nodes(self) -> tuple[Track, ...]:
        """The volumes by node; they never change place."""
        return tracks(self.volumes)


def tracks(volumes: Sequence[VolumeBar]) -> tuple[Track, ...]:
    """The volumes of each node, in the order in which they are given."""
    by_node: dict[str, list[VolumeBar]] = {}
    for each in volumes:
        by_node.setdefault(each.node, []).append(each)
    return tuple(Track(node, tuple(of)) for node, of in by_node.items())
