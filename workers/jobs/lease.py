"""Long work that one process at a time does: whoever holds its lease, which is renewed while the work lasts.

That of a killed process ends soon. Two may hold one for a moment, when they find such a lease at once: what is done
under it must be safe to do twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from schemas.errors import SnaplineError
from schemas.records import Record, encode
from workers.jobs import at_work, ledger
from workers.jobs.pulse import pulsing
from workers.ports import ObjectStore


@contextmanager
def leased(store: ObjectStore, key: str, says: Callable[[], Record] = Record) -> Iterator[bool]:
    """Whether the lease `key` is ours while the context lasts, and not another's. It `says` something to others."""
    if not _take(store, key):
        yield False
        return
    try:
        with pulsing(lambda: ledger.put(store, key, says()), at_work.BEAT):
            yield True
    finally:
        with suppress(SnaplineError):  # it will not be renewed
            store.delete(key)


def _take(store: ObjectStore, key: str) -> bool:
    if store.create(key, encode(Record())):
        return True
    renewed = [found.modified for found in store.list(key) if found.key == key]
    if renewed and ledger.clock(store) - max(renewed) <= at_work.SILENCE:
        return False
    store.delete(key)
    return store.create(key, encode(Record()))
