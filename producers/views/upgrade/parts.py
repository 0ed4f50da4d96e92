"""What is looked at, and how it stands to this version."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Standing = Literal["current", "older", "unreadable", "newer"]
"""Of this version; older, and still read; none that this version can read; or of a newer version, which must not be
written to."""
ORDER: tuple[Standing, ...] = ("current", "older", "unreadable", "newer")
"""From well to worse."""


@dataclass(frozen=True)
class Part:
    """One thing: `where` it is (a destination, or the cluster), `what` it is, how many there are, how the worst of them
    stands, and what there is to say."""

    where: str
    what: str
    count: int
    standing: Standing
    text: str = ""


def worst(parts: Iterable[Part]) -> Standing:
    """How the worst of them stands."""
    return max((part.standing for part in parts), key=ORDER.index, default="current")


def of_format(found: object, known: int) -> Standing:
    """How a format number stands to the one that this version writes."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        return "unreadable"
    if found == known:
        return "current"
    return "older" if found < known else "newer"
