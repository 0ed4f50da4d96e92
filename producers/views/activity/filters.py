"""Which events somebody wants to see, and which they may."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from producers.views.activity.sentences import said
from schemas import events as e

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

_SUFFIX = "-[bcdfghjklmnpqrstvwxz2456789]{5}"


@dataclass(frozen=True)
class Filter:
    """All of it has to be so; what is empty is anything. `type` may hold `*`; `about` is a backup, a restore or a
    request; `text` is in what is said of the event, whatever the case of letters. Between `since` and `until`, UTC. The
    ticks of the clock pass only where their type is given."""

    type: str = ""
    app: str = ""
    about: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def passes(self, logged: "Logged") -> bool:
        """Whether it is one of them."""
        event = logged.event
        if not self.type and isinstance(event.data, e.TickMinute):
            return False
        if self.type and not fnmatchcase(event.type, self.type if "*" in self.type else f"{self.type}*"):
            return False
        if (self.since and event.time < self.since) or (self.until and event.time > self.until):
            return False
        if self.app and not is_of(event, self.app):
            return False
        if self.about and not _is_about(event, self.about):
            return False
        return not self.text or self.text.casefold() in _words(logged)


def is_of(event: e.AnyEvent, app: str) -> bool:
    """Whether an event is about an application: it names it, or is of a job that is called after it."""
    named = getattr(event.data, "app", None)
    if named is not None:
        return bool(named == app)
    name = event.subject or ""
    backup = re.escape(app) + _SUFFIX
    if isinstance(event.data, e.RestoreEvent):
        return re.fullmatch(backup + _SUFFIX, name) is not None
    if isinstance(event.data, e.BackupEvent):
        return re.fullmatch(f"{backup}({_SUFFIX}-before)?", name) is not None
    return isinstance(event.data, e.VolumesProgressed) and re.fullmatch(f"{backup}({_SUFFIX})?", name) is not None


def may_see(event: e.AnyEvent, apps: Collection[str] | None) -> bool:
    """Whether somebody to whom only some applications are granted may see it: in doubt, not."""
    return apps is None or any(is_of(event, app) for app in apps)


def _is_about(event: e.AnyEvent, name: str) -> bool:
    if name in (event.id, event.subject, event.correlationid):
        return True
    told = (getattr(event.data, field, None) for field in ("backup", "restore", "job", "request", "snapshot"))
    return name in told


def _words(logged: "Logged") -> str:
    event = logged.event
    shown = (event.id, event.type, event.subject, event.source, event.correlationid, said(event.data).text)
    return "\n".join(filter(None, shown)).casefold()
