"""A record that another takes away while somebody wants to write it is no error: whoever comes later writes it anew."""

from datetime import UTC, datetime

import pytest

from schemas import keys
from schemas.errors import TransientError
from schemas.job import backup
from schemas.records import WantedCopy
from tests.support.repositories import WrappedStore
from workers.adapters.twins.store import MemoryObjectStore
from workers.copies import wanted
from workers.jobs import ledger

JOB = backup("shop-bcdfg")
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY = keys.wanted_copy(JOB, "nas")


class Taken(WrappedStore):
    """Before it can be read, the record is gone: so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(MemoryObjectStore())
        self.times = times

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        if operation == "create" and self.times:
            self.store.put(key, body)
        if operation == "get" and self.times:
            self.times -= 1
            self.store.delete(key)


def test_a_copy_that_another_has_just_made_is_wanted_again_and_not_failed() -> None:
    store = Taken(1)
    wanted.want(store, JOB, "nas", NOON)
    assert ledger.find(store, KEY, WantedCopy) == WantedCopy(since=NOON)


def test_what_comes_and_goes_all_the_time_is_tried_again_later() -> None:
    with pytest.raises(TransientError, match="comes and goes"):
        ledger.create(Taken(100), KEY, WantedCopy(since=NOON))
