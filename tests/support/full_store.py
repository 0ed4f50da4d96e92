"""An object store in memory with a quota, which takes nothing more when that is used up, not even an empty object."""

from collections.abc import Callable
from datetime import UTC, datetime

from schemas.errors import TransientError
from tests.support.repositories import WrappedStore
from workers.adapters.twins.store import MemoryObjectStore

OVERHEAD = 128
"""Bytes that an object takes besides its body: its name, and what a store notes of it."""


class FullStore(WrappedStore):
    """`quota` is in bytes, None for as much as is wanted. Deleting needs no room."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(MemoryObjectStore(clock))
        self.quota: int | None = None
        self.refused = 0

    @property
    def used(self) -> int:
        """Bytes, of everything that there is."""
        return sum(found.size + OVERHEAD for found in self.store.list(""))

    def fill(self) -> None:
        """From now on there is no room for anything."""
        self.quota = self.used

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        super().before(operation, key, body)
        if operation in ("put", "create") and self.quota is not None:
            replaced = sum(found.size + OVERHEAD for found in self.store.list(key) if found.key == key)
            if self.used - replaced + len(body) + OVERHEAD > self.quota:
                self.refused += 1
                raise TransientError(f"could not write {key}: the quota is used up")
