"""What a prune would delete and the store keeps locked: how much, and until when."""

from dataclasses import dataclass
from datetime import datetime

from schemas.errors import Locked
from workers.ports import ObjectStore, StoredObject


@dataclass
class Locks:
    """Of one prune, which began at `now`. Not for several threads at once."""

    now: datetime
    bytes: int = 0
    until: datetime | None = None
    """When the last of the locks ends of which the store says that."""

    def holds(self, found: StoredObject) -> bool:
        """Whether the list says that it is locked."""
        return found.locked_until is not None and found.locked_until > self.now

    def left(self, size: int, until: datetime | None) -> None:
        """So many bytes stay, for a lock that ends then, None if nobody says."""
        self.bytes += size
        if until is not None:
            self.until = max(self.until or until, until)

    def delete(self, store: ObjectStore, found: StoredObject) -> bool:
        """Deletes it; False, and all goes on, if the store refuses for a lock. A later prune tries again."""
        refused = refusal(store, found)
        if refused is not None:
            self.left(found.size, refused.until)
        return refused is None


def refusal(store: ObjectStore, found: StoredObject) -> Locked | None:
    """Deletes it; or the lock for which the store refuses."""
    try:
        store.delete(found.key)
    except Locked as error:
        return error
    return None
