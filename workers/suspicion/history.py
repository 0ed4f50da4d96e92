"""The history of a volume's copies, which is kept with the newest one; and what is told of a copy against it."""

from datetime import datetime

from schemas.records import Parent, PastCopy, Suspicion
from workers.ports import CopySlice
from workers.suspicion.judge import judge

KEPT = 40
"""Copies in a history: five weeks of daily ones, so that what happens once a month is known."""
NAMED = 10
"""Backups that are named as those before a suspicious one."""


def add(
    parent: Parent | None, volume_id: str, backup: str, reached: CopySlice, now: datetime, *, watched: bool
) -> tuple[Parent, Suspicion | None]:
    """The parent of the next copy, and what is suspicious of this one; nothing if it is not `watched`.

    A copy that is made again for the same backup, since its worker was killed, has the first one for its parent, from
    which it differs in nothing; what the first has found counts."""
    history = parent.history if parent else []
    again = history[-1] if history and history[-1].backup == backup else None
    past = history[:-1] if again else history
    this = again or PastCopy(
        backup=backup,
        at=now,
        scanned_bytes=reached.scanned_bytes,
        changed_bytes=reached.changed_bytes,
        changes=reached.changes,
    )
    reasons = judge(past, this) if watched else []
    this = this.model_copy(update={"suspicious": bool(reasons)})
    newest = Parent(volume_id=volume_id, history=[*past, this][-KEPT:])
    return newest, Suspicion(reasons=reasons, before=_trusted(past)) if reasons else None


def _trusted(past: list[PastCopy]) -> list[str]:
    return [copy.backup for copy in reversed(past) if not copy.suspicious][:NAMED]
