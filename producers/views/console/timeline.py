"""When volumes were read and scripts ran, as bars over the time that a snapshot took; lengths are percents of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from producers.views.volumes import VolumeView
from schemas.records import HookResult

MARKS = 5
"""Moments that the axis names, at most."""
STEPS = (
    *(timedelta(seconds=each) for each in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=each) for each in (1, 2, 4, 5, 10, 15, 30)),
    *(timedelta(hours=each) for each in (1, 2, 4, 6, 12, 24, 48, 96, 240)),
)
THINNEST = 0.45
"""Percent: a bar is never thinner than can be seen."""
MOST_BARS = 200
PRE, POST = "Pre-snapshot scripts", "Post-snapshot scripts"


@dataclass(frozen=True)
class Bar:
    """One volume or script. `x` and `width` are percents; `label` is `inside` its end, `before` it or `after` it."""

    name: str
    kind: Literal["volume", "script"]
    began_at: datetime
    ended_at: datetime
    x: float
    width: float
    label: Literal["inside", "before", "after"]
    error: str = ""

    @property
    def took(self) -> timedelta:
        """From its beginning to its end."""
        return self.ended_at - self.began_at


@dataclass(frozen=True)
class Group:
    """Scripts before, volumes of one node, or scripts after; by when they began."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Mark:
    """A moment on the axis."""

    x: float
    at: datetime


@dataclass(frozen=True)
class Timeline:
    """From `began_at` to `ended_at`. Of `unplaced` volumes nobody has recorded when they were read; `hidden` bars are
    left out, for there are too many."""

    began_at: datetime
    ended_at: datetime
    marks: tuple[Mark, ...]
    groups: tuple[Group, ...]
    unplaced: int = 0
    hidden: int = 0

    @property
    def took(self) -> timedelta:
        """The whole."""
        return self.ended_at - self.began_at

    @property
    def longest(self) -> Bar | None:
        """The volume or script that took longest."""
        return max((bar for group in self.groups for bar in group.bars), key=lambda bar: bar.took, default=None)


def timeline(
    began_at: datetime, ended_at: datetime, volumes: Sequence[VolumeView], hooks: Sequence[HookResult]
) -> Timeline:
    """What is recorded of a snapshot that was asked for and ended then. Clocks of pods may differ: what is outside of
    that time makes it longer."""
    raw = [*_scripts(hooks, "pre"), *_volumes(volumes), *_scripts(hooks, "post")]
    shown = raw[:MOST_BARS]
    began_at = min([began_at, *(each.began_at for each in shown)])
    ended_at = max([ended_at, *(each.ended_at for each in shown)])
    groups = [
        Group(title, tuple(_bar(each, began_at, ended_at) for each in found))
        for title, found in groupby(shown, key=lambda each: each.group)
    ]
    unplaced = sum(each.began_at is None or each.ended_at is None for each in volumes)
    return Timeline(began_at, ended_at, _marks(began_at, ended_at), tuple(groups), unplaced, len(raw) - len(shown))


@dataclass(frozen=True)
class _Raw:
    group: str
    name: str
    kind: Literal["volume", "script"]
    began_at: datetime
    ended_at: datetime
    error: str = ""


def _volumes(volumes: Sequence[VolumeView]) -> Iterator[_Raw]:
    placed = [
        _Raw(f"Volumes on {each.node}" if each.node else "Volumes", each.key, "volume", each.began_at, each.ended_at)
        for each in volumes
        if each.began_at is not None and each.ended_at is not None
    ]
    return iter(sorted(placed, key=lambda each: (each.group, each.began_at, each.name)))


def _scripts(hooks: Sequence[HookResult], phase: str) -> Iterator[_Raw]:
    title = PRE if phase == "pre" else POST
    found = [
        _Raw(
            title,
            f"{each.pod}, {each.container}",
            "script",
            each.started_at,
            each.started_at + timedelta(seconds=each.seconds),
            each.error,
        )
        for each in hooks
        if each.phase == phase
    ]
    return iter(sorted(found, key=lambda each: (each.began_at, each.name)))


def _bar(raw: _Raw, began_at: datetime, ended_at: datetime) -> Bar:
    whole = (ended_at - began_at) / timedelta(seconds=1) or 1
    x = 100 * ((raw.began_at - began_at) / timedelta(seconds=1)) / whole
    width = max(100 * ((raw.ended_at - raw.began_at) / timedelta(seconds=1)) / whole, THINNEST)
    x = min(x, 100 - min(width, 100))
    label: Literal["inside", "before", "after"] = "after"
    if x + width > 75:
        label = "inside" if width > 20 and raw.kind == "volume" else "before"
    return Bar(raw.name, raw.kind, raw.began_at, raw.ended_at, round(x, 2), round(min(width, 100), 2), label, raw.error)


def _marks(began_at: datetime, ended_at: datetime) -> tuple[Mark, ...]:
    whole = ended_at - began_at
    if whole <= timedelta(0):
        return ()
    step = next((each for each in STEPS if whole / each <= MARKS), STEPS[-1])
    midnight = began_at.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * -(-(began_at - midnight) // step)
    found: list[Mark] = []
    while at <= ended_at and len(found) <= MARKS:
        found.append(Mark(round(100 * ((at - began_at) / whole), 2), at))
        at += step
    return tuple(found)
