"""An object store of which each request is counted, timed, and its bytes added up."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from schemas import metrics as m
from schemas.errors import NotFound, SnaplineError
from workers.adapters.telemetry.metering import Meter
from workers.ports import ObjectStore, StoredObject

T = TypeVar("T")


class MeasuredStore:
    """The port `ObjectStore` over another one. What an SDK tries again by itself is one request."""

    def __init__(self, store: ObjectStore, destination: str, meter: Meter) -> None:
        self._store, self._destination, self._meter = store, destination, meter

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        body = self._ask("get", lambda: self._store.get(key, start, length))
        self._meter.add(m.STORE_READ, self._destination, by=len(body))
        return body

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._ask("put", lambda: self._store.put(key, body))
        self._meter.add(m.STORE_WRITTEN, self._destination, by=len(body))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        made = self._ask("create", lambda: self._store.create(key, body))
        if made:
            self._meter.add(m.STORE_WRITTEN, self._destination, by=len(body))
        return made

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        return self._each("list", self._store.list(prefix))

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        return self._each("names", self._store.names(prefix))

    def delete(self, key: str) -> None:
        """See the port."""
        self._ask("delete", lambda: self._store.delete(key))

    def _ask(self, operation: str, request: Callable[[], T]) -> T:
        self._meter.add(m.STORE_REQUESTS, self._destination, operation)
        began = time.perf_counter()
        try:
            return request()
        except SnaplineError as error:
            self._failed(operation, error)
            raise
        finally:
            self._meter.observe(m.STORE_SECONDS, time.perf_counter() - began, operation)

    def _each(self, operation: str, found: Iterator[T]) -> Iterator[T]:
        """A list's time is that until its first entry: the rest is at the reader's pace."""
        self._meter.add(m.STORE_REQUESTS, self._destination, operation)
        began = time.perf_counter()
        first = True
        try:
            for each in found:
                if first:
                    first = self._begun(operation, began)
                yield each
            if first:
                self._begun(operation, began)
        except SnaplineError as error:
            self._failed(operation, error)
            raise

    def _begun(self, operation: str, began: float) -> bool:
        self._meter.observe(m.STORE_SECONDS, time.perf_counter() - began, operation)
        return False

    def _failed(self, operation: str, error: SnaplineError) -> None:
        if not isinstance(error, NotFound):
            self._meter.add(m.STORE_ERRORS, self._destination, operation, error.code)
