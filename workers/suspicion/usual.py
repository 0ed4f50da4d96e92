"""What is usual, of a few numbers among which one may be wild: the median, and the median distance from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

AS_DEVIATION = 1.4826
"""Times the median distance: the standard deviation, where numbers are spread normally
(https://en.wikipedia.org/wiki/Median_absolute_deviation)."""


@dataclass(frozen=True)
class Usual:
    """Of shares between 0 and 1: their middle, how far from it they are as a rule, the least and the most."""

    middle: float
    deviation: float
    least: float
    most: float


def usual_of(values: Sequence[float]) -> Usual:
    """Of at least one value."""
    middle = median(values)
    return Usual(middle, AS_DEVIATION * median(abs(value - middle) for value in values), min(values), max(values))


def is_far_above(value: float, usual: Usual, *, margin: float, deviations: float) -> bool:
    """Whether it is above the middle by `margin` and by so many `deviations`, and has never been nearly so high: what
    happens once a week or month is no news the second time."""
    far = usual.middle + max(margin, deviations * usual.deviation)
    return value >= far and value >= usual.most + margin / 2
