"""When a backup expires: for how long it is to be kept, and who says so."""

from datetime import datetime
from typing import NamedTuple

from schemas import ttl as ttls
from schemas.errors import Code, Invalid
from schemas.messages import Message


class Kept(NamedTuple):
    """For how long a backup is kept, as a `ttl`; None if nothing says so. `notes` tell of what does not count."""

    ttl: str | None
    notes: list[Message]


def kept(asked: str | None, shipped: tuple[str, str | None] | None) -> Kept:
    """What was `asked` for; or else what the Backup resource says that an application has `shipped` (slug and `ttl`).
    As with Velero, zero there means nothing."""
    if asked or shipped is None:
        return Kept(asked, [])
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
