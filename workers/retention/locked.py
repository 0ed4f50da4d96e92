"""What a store keeps locked of what is to be deleted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.errors import Locked
from workers.ports import ObjectStore, Pruned, StoredObject


@dataclass(frozen=True)
class Kept:
    """So many bytes, until then; None if nobody says."""

    bytes: int
    until: datetime | None


def delete(store: ObjectStore, doomed: Iterable[StoredObject]) -> list[Kept]:
    """Deletes them; what the store keeps of them."""
    kept = []
    for found in doomed:
        try:
            store.delete(found.key)
        except Locked as error:
            kept.append(Kept(found.size, error.until))
    return kept


def also(pruned: Pruned, kept: Sequence[Kept]) -> Pruned:
    """What stays after a prune, and what else is kept."""
    ends = [each.until for each in (*kept, Kept(0, pruned.locked_until)) if each.until is not None]
    locked_bytes = pruned.locked_bytes + sum(each.bytes for each in kept)
    return replace(pruned, locked_bytes=locked_bytes, locked_until=max(ends, default=None))
