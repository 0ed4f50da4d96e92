"""Records are sealed, each for its key: the one place through which all of them are read and written (FORMAT F45)."""

from collections.abc import Callable, Iterator

from schemas import keys
from schemas.errors import Code, Damaged, NotFound
from workers.ports import ObjectStore, Repository, StoredObject

RECORD_MOST = 2**28
"""Bytes of a sealed record that are read (F9)."""


class SealedRecords:
    """The port `ObjectStore` over another one. Whoever can write that, and has no passphrase, can make no record that
    is read here, nor put one in the place of another. Sizes in listings are those of what is kept."""

    def __init__(self, store: ObjectStore, repository: Callable[[], Repository]) -> None:
        """`repository` has the keys; it is asked for with the first record that is read or written."""
        self._store, self._repository = store, repository

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port. Raises Damaged for a record that was not sealed for this key."""
        if not keys.is_record(key):
            return self._store.get(key, start, length)
        record = self._open(key, self._store.get(key, 0, RECORD_MOST + 1))
        return record[start:] if length is None else record[start : start + length]

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._store.put(key, self._seal(key, bytes(body)) if keys.is_record(key) else body)

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        return self._store.create(key, self._seal(key, body) if keys.is_record(key) else body)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        return self._store.list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        return self._store.names(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self._store.delete(key)

    def _seal(self, key: str, record: bytes) -> bytes:
        return self._repository().seal_record(record, key)

    def _open(self, key: str, kept: bytes) -> bytes:
        if len(kept) > RECORD_MOST:
            text = f"the record {key} is longer than any of ours, so it is not read"
            raise Damaged(text, code=Code.RECORD_NOT_AUTHENTIC, subject=key)
        try:
            repository = self._repository()
        except NotFound as error:  # the record is there, and must not be taken for missing
            text = f"the record {key} cannot be opened: {error}"
            raise Damaged(text, code=Code.KEYS_LOST, subject=key) from error
        return repository.open_record(kept, key)
