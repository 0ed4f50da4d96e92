"""The port `ObjectStore` in memory, for unit tests, with the contract of S3."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from schemas.errors import NotFound
from workers.ports import StoredObject


class MemoryObjectStore:
    """Safe for threads."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        with self._lock:
            if key not in self._objects:
                raise NotFound(f"there is no object {key}")
            body = self._objects[key][0]
        return body[start:] if length is None else body[start : start + length]

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        with self._lock:
            self._objects[key] = bytes(body), self._clock()

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        with self._lock:
            if key in self._objects:
                return False
            self._objects[key] = bytes(body), self._clock()
            return True

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        with self._lock:
            found = [
                StoredObject(key, len(body), at, f"{hash(body):x}")  # which is kept with the body
                for key, (body, at) in self._objects.items()
                if key.startswith(prefix)
            ]
        return iter(sorted(found, key=lambda entry: entry.key.encode()))

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        with self._lock:
            return names_below(prefix, list(self._objects))

    def delete(self, key: str) -> None:
        """See the port."""
        with self._lock:
            self._objects.pop(key, None)


def names_below(prefix: str, keys: Iterable[str]) -> Iterator[str]:
    """What `ObjectStore.names` says where `keys` are all that there are."""
    found = {
        head + slash for key in keys if key.startswith(prefix) for head, slash, _ in [key[len(prefix) :].partition("/")]
    }
    return iter(sorted(found - {""}))
