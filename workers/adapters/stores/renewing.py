"""A store whose credentials may change while it is in use."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from schemas.errors import Code, Denied, SnaplineError
from workers.ports import ObjectStore, StoredObject

T = TypeVar("T")


class RenewingStore:
    """The port `ObjectStore` over whichever store is the current one. Where it refuses, `renew` looks for new
    credentials, and the request is made once more if there are any."""

    def __init__(self, current: Callable[[], ObjectStore], renew: Callable[[], None]) -> None:
        self._current, self._renew = current, renew

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._ask(lambda store: store.get(key, start, length))

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._ask(lambda store: store.put(key, body))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        return self._ask(lambda store: store.create(key, body))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        yield from self._ask(lambda store: _begun(store.list(prefix)))

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        yield from self._ask(lambda store: _begun(store.names(prefix)))

    def delete(self, key: str) -> None:
        """See the port."""
        self._ask(lambda store: store.delete(key))

    def _ask(self, request: Callable[[ObjectStore], T]) -> T:
        store = self._current()
        try:
            return request(store)
        except SnaplineError as error:
            if not isinstance(error, Denied) and error.code != Code.STORE_CREDENTIALS:
                raise
            self._renew()
            renewed = self._current()
            if renewed is store:
                raise
        return request(renewed)


def _begun(listing: Iterator[T]) -> Iterator[T]:
    """The same, with the first answer already there: a refusal comes now."""
    for first in listing:
        return _with(first, listing)
    return listing


def _with(first: T, rest: Iterator[T]) -> Iterator[T]:
    yield first
    yield from rest
