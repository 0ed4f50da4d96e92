"""The port `ObjectStore` on Google Cloud Storage.

https://cloud.google.com/storage/docs/request-preconditions, https://cloud.google.com/storage/docs/consistency
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from schemas.destination import GcsDestination
from schemas.errors import Code, Invalid, NotFound, SnaplineError, TransientError
from workers.adapters.stores.asking import ask
from workers.adapters.stores.gcs.client import client_of
from workers.adapters.stores.gcs.errors import LOCKED, RAISED, meaning, passes, reason, status_of
from workers.ports import StoredObject

T = TypeVar("T")

TIMEOUT = (5, 30)
"""Seconds: to connect, and until the next bytes of an answer."""
FIELDS = "items(name,size,generation,timeCreated,retentionExpirationTime),prefixes,nextPageToken"
FREE = 0
"""The generation of a key that is not there."""


@dataclass(frozen=True)
class _Page:
    blobs: list[Any]
    prefixes: list[str]
    next: str | None


class GcsObjectStore:
    """A bucket below the destination's prefix. Safe for threads."""

    def __init__(self, destination: GcsDestination, ca: Path | None = None) -> None:
        """Raises Invalid for a key that is none, Denied without any credentials."""
        self._prefix = f"{destination.prefix}/" if destination.prefix else ""
        self._place = f"bucket {destination.bucket!r} at {destination.endpoint or 'Google Cloud'}"
        self._client = client_of(destination, ca)
        self._bucket = self._client.bucket(destination.bucket)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        if length == 0:
            return b""
        end = None if length is None else start + length - 1
        read = self._blob(key).download_as_bytes
        ranged = {"start": start, "end": end} if start or length is not None else {}
        try:
            body: bytes = ask(lambda: read(raw_download=True, timeout=TIMEOUT, retry=None, **ranged), passes)
        except RAISED as error:
            if status_of(error) == 416:
                return b""
            raise self._meaning(f"read {key}", error) from error
        return body

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        try:
            ask(lambda: self._write(key, body), passes)
        except RAISED as error:
            raise self._meaning_of_write(f"write {key}", key, error) from error

    def create(self, key: str, body: bytes) -> bool:
        """See the port. A refusal after a lost answer may be about our own write; then the bodies are the same."""
        asked = 0

        def write() -> None:
            nonlocal asked
            asked += 1
            self._write(key, body, if_generation_match=FREE)

        try:
            ask(write, passes)
        except RAISED as error:
            if status_of(error) == 412:
                return asked > 1 and self._holds(key, body)
            raise self._meaning_of_write(f"create {key}", key, error) from error
        return True

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        for page in self._pages(prefix):
            for blob in page.blobs:
                key = blob.name.removeprefix(self._prefix)
                made, locked = blob.time_created, blob.retention_expiration_time
                yield StoredObject(key, blob.size, made, str(blob.generation), locked)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        whole = self._prefix + prefix
        for page in self._pages(prefix, delimiter="/"):
            found = [blob.name for blob in page.blobs] + page.prefixes
            yield from (name.removeprefix(whole) for name in found if name != whole)

    def delete(self, key: str) -> None:
        """See the port."""
        try:
            ask(lambda: self._blob(key).delete(timeout=TIMEOUT, retry=None), passes)
        except RAISED as error:
            found = self._meaning(f"delete {key}", error, self._locked_until(key, error))
            if not isinstance(found, NotFound):
                raise found from error

    def _blob(self, key: str) -> Any:
        return self._bucket.blob(self._prefix + key)

    def _write(self, key: str, body: bytes | bytearray, **condition: int) -> None:
        self._blob(key).upload_from_file(
            io.BytesIO(body),
            size=len(body),
            content_type="application/octet-stream",
            timeout=TIMEOUT,
            retry=None,
            **condition,
        )

    def _holds(self, key: str, body: bytes) -> bool:
        try:
            return self.get(key) == body
        except NotFound as error:
            raise TransientError(f"could not create {key}: it came and went; try again", place=self._place) from error

    def _pages(self, prefix: str, **more: str) -> Iterator[_Page]:
        def page(token: str | None) -> _Page:
            pages = self._client.list_blobs(
                self._bucket,
                prefix=self._prefix + prefix,
                page_token=token,
                fields=FIELDS,
                timeout=TIMEOUT,
                retry=None,
                **more,
            )
            blobs = list(next(pages.pages, ()))
            return _Page(blobs, sorted(pages.prefixes), pages.next_page_token)

        found = self._page(prefix, lambda: page(None))
        yield found
        while token := found.next:
            found = self._page(prefix, lambda token=token: page(token))  # type: ignore[misc]
            yield found

    def _page(self, prefix: str, page: Callable[[], _Page]) -> _Page:
        try:
            return ask(page, passes)
        except RAISED as error:
            found = self._meaning(f"list {prefix}", error)
            raise (self._no_bucket(f"list {prefix}") if isinstance(found, NotFound) else found) from error

    def _locked_until(self, key: str, error: Exception) -> datetime | None:
        """When the lock ends that the server has told of; None for a hold, or if it does not say."""
        if reason(error) not in LOCKED:
            return None
        try:
            blob = self._bucket.get_blob(self._prefix + key, timeout=TIMEOUT, retry=None)
        except RAISED:
            return None
        until: datetime | None = blob.retention_expiration_time if blob else None
        return until

    def _meaning(self, what: str, error: Exception, until: datetime | None = None) -> SnaplineError:
        found = meaning(f"could not {what} in the object store", error, until)
        found.place = self._place
        return found

    def _meaning_of_write(self, what: str, key: str, error: Exception) -> SnaplineError:
        """Of a write, nothing can be missing but the bucket."""
        found = self._meaning(what, error, self._locked_until(key, error))
        return self._no_bucket(what) if isinstance(found, NotFound) else found

    def _no_bucket(self, what: str) -> SnaplineError:
        text = f"could not {what} in the object store: there is no such bucket"
        return Invalid(text, code=Code.DESTINATION_INVALID, place=self._place)
