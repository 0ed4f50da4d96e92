"""What the deletion of a snapshot takes away, said before it is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from producers.views.job_views import BackupView

CONSOLE = "the Admin Console"


@dataclass(frozen=True)
class LastGood:
    """Of whom (slugs, or `CONSOLE`) the snapshot is the last good one, and which would be after it (None: no other)."""

    whose: tuple[str, ...]
    next: str | None = None
    next_at: datetime | None = None


def last_good(views: Sequence[BackupView], name: str) -> list[LastGood]:
    """For whom the snapshot called `name` is the newest good one of `views`, which are the newest first; those that
    have the same next one together."""
    found: dict[str | None, list[str]] = {}
    at: dict[str, datetime] = {}
    of = next((view for view in views if view.name == name), None)
    for whose in _whose(of) if of is not None else ():
        good = [view for view in views if view.status == "Completed" and not view.snapshot_of and whose in _whose(view)]
        if good and good[0].name == name:
            after = good[1] if len(good) > 1 else None
            found.setdefault(after.name if after else None, []).append(whose)
            at |= {after.name: after.requested_at} if after else {}
    return [LastGood(tuple(whose), after, at.get(after or "")) for after, whose in found.items()]


def _whose(view: BackupView) -> Iterator[str]:
    return iter((view.app,) if view.app else (CONSOLE, *view.apps))
