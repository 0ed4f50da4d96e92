"""One object, or one file, through the backups that hold it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from producers.views.inside.comparing import lines_between
from producers.views.inside.objects import HeldObject
from producers.views.job_views import BackupView
from schemas.errors import SnaplineError

T = TypeVar("T")
MOST = 20
"""Backups that are looked into at once: each takes some requests to the store."""


@dataclass(frozen=True)
class Appearance:
    """What one backup says: `what` is `first`, `same`, `changed`, `absent`, or `unreadable` and then `why`; against the
    next older one. `before` is that one's name."""

    backup: str
    at: datetime
    what: str
    before: str = ""
    size: int | None = None
    changed: int | None = None
    """Of a file: when it was changed, nanoseconds since 1970 UTC."""
    why: str = ""


def of_object(
    backups: Iterable[BackupView], key: tuple[str, str, str], read: Callable[[str], Sequence[HeldObject]]
) -> list[Appearance]:
    """The newest first. `read` gives the objects of a backup."""

    def find(name: str) -> HeldObject | None:
        return next((each for each in read(name) if each.key == key), None)

    return _appearances(backups, find, lambda before, now: not lines_between(before, now), lambda _: None)


def of_file(backups: Iterable[BackupView], find: Callable[[str], tuple[int, int] | None]) -> list[Appearance]:
    """The newest first. `find` gives a file's size and when it was changed, in a backup; None if it is not there."""
    return _appearances(backups, find, lambda before, now: before == now, lambda now: now)


def _appearances(
    backups: Iterable[BackupView],
    find: Callable[[str], T | None],
    same: Callable[[T, T], bool],
    facts: Callable[[T], tuple[int, int] | None],
) -> list[Appearance]:
    found: list[Appearance] = []
    before: T | None = None
    named = ""
    for each in sorted(backups, key=lambda view: view.requested_at)[-MOST:]:
        try:
            now = find(each.name)
        except SnaplineError as error:
            found.append(Appearance(each.name, each.requested_at, "unreadable", why=str(error)))
            continue
        what = "absent" if now is None else "first" if before is None else "same" if same(before, now) else "changed"
        size, changed = (facts(now) if now is not None else None) or (None, None)
        found.append(Appearance(each.name, each.requested_at, what, named, size, changed))
        before, named = now, each.name if now is not None else ""
    return found[::-1]
