"""Which of many things a search means, the likeliest first. Words have to be in a thing, and `key=value` among
its labels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["page", "application", "schedule", "destination", "snapshot", "restore"]
KINDS: tuple[Kind, ...] = ("page", "application", "schedule", "destination", "snapshot", "restore")
"""In the order in which they are shown."""
MOST = 10
"""Hits of one kind."""
LONGEST = 200
"""Characters of a search that are looked at."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    """Something to be found: its `name`, what people call it, other `words` of it, and its `labels`. The `app` says
    whose it is, None for what concerns all; `at` when it was."""

    kind: Kind
    name: str
    title: str = ""
    words: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    app: str | None = None
    at: datetime | None = None
    status: str = ""


@dataclass(frozen=True)
class Hits:
    """What was found of one kind, and how many more."""

    kind: Kind
    things: tuple[Thing, ...]
    more: int = 0


def hits(query: str, things: Iterable[Thing], most: int = MOST) -> list[Hits]:
    """Those that a search means, by kind; nothing for an empty one."""
    terms = query[:LONGEST].casefold().split()
    if not terms:
        return []
    found = [(rank, thing) for thing in things if (rank := _rank(terms, thing)) is not None]
    found.sort(key=lambda each: (each[0], -(each[1].at or _LONG_AGO).timestamp(), each[1].name))
    by_kind = {kind: [thing for _, thing in found if thing.kind == kind] for kind in KINDS}
    return [Hits(kind, tuple(of[:most]), len(of[most:])) for kind, of in by_kind.items() if of]


def _rank(terms: list[str], thing: Thing) -> int | None:
    """How far it is from what was meant: 0 is its name; None is something else."""
    names = [text.casefold() for text in (thing.name, thing.title) if text]
    others = [text.casefold() for text in thing.words if text]
    worst = 0
    for term in terms:
        if "=" in term and _has_label(term, thing):
            continue
        if any(term == name for name in names):
            rank = 0
        elif any(name.startswith(term) for name in names):
            rank = 1
        elif any(term in name for name in names):
            rank = 2
        elif any(term in text for text in others) or thing.status.casefold().startswith(term):
            rank = 3
        else:
            return None
        worst = max(worst, rank)
    return worst


def _has_label(term: str, thing: Thing) -> bool:
    key, _, value = term.partition("=")
    return any(key == known.casefold() and value == of.casefold() for known, of in thing.labels.items())
