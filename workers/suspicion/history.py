"""The history of a volume's copies, which is kept with the newest one; and what is told of a copy against it."""

from collections.abc import Callable
from datetime import datetime

from schemas.messages import Message, prefixed
from schemas.records import Parent, PastCopy, Suspicion
from workers.ports import CopySlice
from workers.suspicion.judge import judge

KEPT = 40
"""Copies in a history: five weeks of daily ones, so that what happens once a month is known."""
NAMED = 10
"""Backups that are named as those before a suspicious one."""


def add(
    parent: Parent | None,
    volume_id: str,
    backup: str,
    reached: CopySlice,
    now: datetime,
    *,
    watched: bool,
    is_told: Callable[[str], bool],
) -> tuple[Parent, Suspicion | None]:
    """The parent of the next copy, and what is suspicious of this one; nothing if it is not `watched`.

    A copy that is made again for the same backup, since its worker was killed, has the first one for its parent, from
    which it differs in nothing; what the first has found counts. What was suspicious in a backup that came to no good
    end, so that nobody was told of it (`is_told`), is suspicious still."""
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
    reasons = [*_untold(past, is_told), *judge(past, this)] if watched else []
    newest = Parent(volume_id=volume_id, history=[*past, this.model_copy(update={"reasons": reasons})][-KEPT:])
    return newest, Suspicion(reasons=reasons, before=_trusted(past)) if reasons else None


def _untold(past: list[PastCopy], is_told: Callable[[str], bool]) -> list[Message]:
    """Of the copy before, with the name of its backup in front."""
    last = past[-1] if past else None
    if last is None or not last.reasons or is_told(last.backup):
        return []
    where = f"since the copy for backup {last.backup}, which has not been completed"
    return [each if each.text.startswith("since ") else prefixed(where, each) for each in last.reasons]


def _trusted(past: list[PastCopy]) -> list[str]:
    return [copy.backup for copy in reversed(past) if not copy.reasons][:NAMED]
