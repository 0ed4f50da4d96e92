"""A store that locks each object for a while from when it is written, as buckets with a retention period do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from schemas.errors import Locked
from tests.support.repositories import WrappedStore
from workers.ports import ObjectStore, StoredObject


class LockingStore(WrappedStore):
    """`period` says for how long a key is locked, None for not at all. Where `says_so`, lists tell until when, as those
    of Google and S3 do; else only the refusal does, as on Azure."""

    def __init__(
        self,
        store: ObjectStore,
        period: Callable[[str], timedelta | None],
        now: Callable[[], datetime],
        *,
        says_so: bool = True,
    ) -> None:
        super().__init__(store)
        self.period, self._now, self._says_so = period, now, says_so

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        for found in super().list(prefix):
            yield replace(found, locked_until=self._until(found)) if self._says_so else found

    def delete(self, key: str) -> None:
        """See the port."""
        for found in super().list(key):
            until = self._until(found)
            if found.key == key and until is not None and until > self._now():
                raise Locked(f"could not delete {key} in the object store", until)
        super().delete(key)

    def _until(self, found: StoredObject) -> datetime | None:
        period = self.period(found.key)
        return None if period is None else found.modified + period
