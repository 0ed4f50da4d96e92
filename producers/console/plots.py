"""Drawings as numbers: what the templates put into SVG attributes. Percent of the width and height, from above."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from producers.console.words import size
from producers.views.home.growth import Point
from producers.views.home.strip import Day, DayState

TOP, BOTTOM = 6.0, 94.0
"""Where the highest and the lowest line of a plot are."""
LINES = 3
"""Grid lines above zero, as a rule."""

TONES: dict[DayState, str] = {"ok": "ok", "warn": "warn", "bad": "bad", "overdue": "bad", "run": "run"}
"""Of a day in the strip; else idle."""
_SHAPES: dict[DayState, tuple[tuple[int, int, bool], ...]] = {
    "ok": ((0, 22, False),),
    "warn": ((11, 11, False),),
    "bad": ((0, 7, False), (15, 7, False)),
    "overdue": ((1, 20, True),),
    "run": ((1, 20, True), (9, 13, False)),
    "none": ((19, 3, False),),
    "gone": ((16, 6, True),),
    "before": (),
}


@dataclass(frozen=True)
class Mark:
    """One rectangle of a strip: from `x` percent, the rest in pixels."""

    x: str
    y: int
    height: int
    hollow: bool
    title: str


def marks(days: Sequence[Day]) -> list[tuple[str, list[Mark]]]:
    """A strip of days, in runs of one tone; height and form tell the state, not colour alone."""
    step = 100 / len(days) if days else 0
    placed = [(TONES.get(day.state, "idle"), index * step, day) for index, day in enumerate(days)]
    return [
        (tone, [mark for _, x, day in run for mark in _of(x, day)])
        for tone, run in groupby(placed, key=lambda each: each[0])
    ]


def _of(x: float, day: Day) -> Iterator[Mark]:
    for y, height, hollow in _SHAPES[day.state]:
        yield Mark(f"{x:.1f}%", y, height, hollow, day.title)


@dataclass(frozen=True)
class Plot:
    """Grid lines (percent from above, and how many bytes that is), and the paths of what is protected and stored, both
    `width` units wide."""

    grid: tuple[tuple[str, str], ...]
    protected: str
    stored: str
    area: str
    width: int


def plot(points: Sequence[Point]) -> Plot | None:
    """Two lines over the days; None where two days are not there to draw a line between."""
    highest = max((max(point.protected, point.stored) for point in points), default=0)
    if len(points) < 2 or not highest:
        return None
    step = _step(highest)
    lines = -(-highest // step)
    top = lines * step

    def y(count: int) -> str:
        return f"{BOTTOM - (BOTTOM - TOP) * count / top:.1f}"

    def path(counts: Sequence[int]) -> str:
        return " L".join(f"{index} {y(count)}" for index, count in enumerate(counts))

    stored = path([point.stored for point in points])
    return Plot(
        grid=tuple((y(line * step), _round(line * step)) for line in range(lines, -1, -1)),
        protected=f"M{path([point.protected for point in points])}",
        stored=f"M{stored}",
        area=f"M{stored} L{len(points) - 1} {BOTTOM:.0f} L0 {BOTTOM:.0f} Z",
        width=len(points) - 1,
    )


def _round(count: int) -> str:
    """`2 TB`; the numbers of a grid have no more digits than they need."""
    return size(count).replace(".00", "").replace(".0", "") if count else "0"


def _step(highest: int) -> int:
    """Between two grid lines: 1, 2 or 5 and zeros, so that there are a few."""
    unit = 1
    while unit * 10 * LINES <= highest:
        unit *= 10
    return next((unit * factor for factor in (1, 2, 5) if unit * factor * LINES >= highest), unit * 10)
