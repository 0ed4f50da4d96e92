"""How the objects of two backups differ."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from producers.views.inside.objects import HeldObject
from producers.views.inside.yaml_text import for_comparing

MOST_LINES = 2000
"""Lines of one difference that are shown; what is more is counted."""


@dataclass(frozen=True)
class ObjectDifference:
    """One object that only one of two backups has, or that is not the same in both. `lines` are those of a unified
    difference, the first `MOST_LINES`; `more` are left out."""

    what: Literal["added", "removed", "changed"]
    kind: str
    namespace: str
    name: str
    lines: tuple[str, ...] = ()
    more: int = 0


def compare(before: Iterable[HeldObject], after: Iterable[HeldObject]) -> list[ObjectDifference]:
    """By kind, namespace and name. What the API server writes by itself makes no difference."""
    was, now = {each.key: each for each in before}, {each.key: each for each in after}
    found = [_difference(was.get(key), now.get(key)) for key in sorted(was | now)]
    return [each for each in found if each is not None]


def lines_between(before: HeldObject | None, after: HeldObject | None) -> list[str]:
    """The lines of a unified difference, without its head; none if they are the same."""
    was, now = (
        for_comparing(one.whole, other.whole if other else None, side).splitlines() if one else []
        for one, other, side in ((before, after, "before"), (after, before, "after"))
    )
    return list(difflib.unified_diff(was, now, lineterm="", n=3))[2:]


def _difference(before: HeldObject | None, after: HeldObject | None) -> ObjectDifference | None:
    either = after or before
    if either is None:
        return None
    if before is None or after is None:
        return ObjectDifference("removed" if after is None else "added", *either.key)
    lines = lines_between(before, after)
    if not lines:
        return None
    return ObjectDifference("changed", *either.key, *_bounded(lines))


def _bounded(lines: Sequence[str]) -> tuple[tuple[str, ...], int]:
    return tuple(lines[:MOST_LINES]), max(len(lines) - MOST_LINES, 0)
