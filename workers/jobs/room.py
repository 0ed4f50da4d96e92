"""A store that is full: what has to be written before anything can be deleted is written in place of the ballast."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from schemas.errors import SnaplineError
from workers.ports import ObjectStore, Repository, StoredObject

T = TypeVar("T")


class WithRoom:
    """The port `ObjectStore` over another one. What that does not take is tried once more when its repository has made
    room."""

    def __init__(self, store: ObjectStore, repository: Repository) -> None:
        self._store, self._repository = store, repository

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._store.get(key, start, length)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._with_room(lambda: self._store.put(key, body))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        return self._with_room(lambda: self._store.create(key, body))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        return self._store.list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        return self._store.names(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self._store.delete(key)

    def _with_room(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except SnaplineError:
            self._repository.make_room()
            return write()
