"""Whether a figure that was sampled for a while has grown. Pure.

The first third of a run is its warm-up. What follows has grown if its slope (Theil and Sen: the median of the slopes
between all pairs of samples, which no single peak moves) makes more than noise of it over its length: a share of the
median, or an allowance, whichever is more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WARM_UP = 1 / 3
FEWEST = 6
"""Samples after the warm-up that it takes to judge."""


@dataclass(frozen=True)
class Noise:
    """What a figure may grow by over a run: a share of its median, or an allowance in its own unit."""

    share: float
    allowance: float


@dataclass(frozen=True)
class Trend:
    """How a figure has gone: at the start and the end of the run, the most, by how much it has grown after the warm-up
    if the slope is right, an hour; and whether that is more than noise."""

    start: float
    end: float
    most: float
    grown: float
    an_hour: float
    more_than_noise: bool


def trend(samples: Sequence[tuple[float, float]], noise: Noise) -> Trend:
    """Of samples (seconds, figure) in the order of time; at least one."""
    figures = [figure for _, figure in samples]
    began, ended = samples[0][0], samples[-1][0]
    warm = [one for one in samples if one[0] >= began + (ended - began) * WARM_UP]
    slope = theil_sen(warm) if len(warm) >= FEWEST else 0.0
    grown = slope * (warm[-1][0] - warm[0][0])
    bound = max(noise.allowance, noise.share * abs(median(figure for _, figure in warm)))
    return Trend(figures[0], figures[-1], max(figures), grown, slope * 3600, grown > bound)


def theil_sen(samples: Sequence[tuple[float, float]]) -> float:
    """The median slope, a second."""
    slopes = [
        (later - earlier) / (at - before)
        for index, (before, earlier) in enumerate(samples)
        for at, later in samples[index + 1 :]
        if at > before
    ]
    return median(slopes) if slopes else 0.0
