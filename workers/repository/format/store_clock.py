"""What time it is where the objects are: ages are told by the clock that dates them, and by no other (F33)."""

from datetime import datetime

from schemas.errors import TransientError
from workers.ports import ObjectStore
from workers.repository.format.layout import CLOCK


def now(store: ObjectStore) -> datetime:
    """The store's time, between this call and its return. Raises TransientError."""
    store.put(CLOCK, b"")
    for found in store.list(CLOCK):
        if found.key == CLOCK:
            return found.modified
    raise TransientError(f"{CLOCK} was written and is not listed; try again")
