"""When a backup expires: for how long it is to be kept, and who says so."""

from datetime import datetime
from typing import NamedTuple

from schemas import events as e
from schemas import ttl as ttls
from schemas.errors import Code, Invalid
from schemas.messages import Message
from schemas.retention import scope_of
from workers.retention.rules import Known


class Kept(NamedTuple):
    """For how long a backup is kept, as a `ttl`; None if nothing says so. `notes` tell of what does not count."""

    ttl: str | None
    notes: list[Message]


def by_rules(asked: e.BackupRequested, known: Known) -> Kept | None:
    """What the rules say of their schedule, or else of their application or of full backups; None if nothing. Of rules
    that cannot be read nobody knows what they say, so no ttl counts."""
    own = scope_of(schedule=asked.schedule) if asked.schedule else None
    for scope in filter(None, (own, scope_of(asked.app))):
        if unreadable := known.unreadable.get(scope) or known.unreadable.get(""):
            return Kept(None, [unreadable])
        if scope in known.rules and (ttl := known.rules[scope].ttl):
            return Kept(ttl, [])
    return None


def kept(asked: str | None, ruled: Kept | None, shipped: tuple[str, str | None] | None) -> Kept:
    """What was `asked` for; or else what is `ruled`; or else what the Backup resource says that an application has
    `shipped` (slug and `ttl`). As with Velero, zero there means nothing."""
    if asked:
        return Kept(asked, [])
    if ruled is not None or shipped is None:
        return ruled or Kept(None, [])
    slug, ttl = shipped
    if ttl is None or not ttl.strip("0smh. "):
        return Kept(None, [])
    try:
        ttls.length(ttl)
    except Invalid as error:
        text = f"application {slug}: spec.ttl of its Backup resource does not count: {error}"
        return Kept(None, [Message(code=Code.FIELD_IGNORED, text=text, subject=slug)])
    return Kept(ttl, [])


def expires_at(ttl: str | None, since: datetime) -> datetime | None:
    """When a backup of that `ttl` expires, which was asked for at `since`; None if it has none."""
    return since + ttls.length(ttl) if ttl else None
