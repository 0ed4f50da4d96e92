"""The port `ObjectStore` on Azure Blob Storage.

https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from azure.storage.blob import BlobPrefix, ContainerClient

from schemas.destination import AzureDestination
from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError
from workers.adapters.stores.asking import ask
from workers.adapters.stores.azure.client import container_of, looks_up_key
from workers.adapters.stores.azure.errors import LOCKED, RAISED, TAKEN, code_of, meaning, passes, status_of
from workers.ports import StoredObject

T = TypeVar("T")


class AzureObjectStore:
    """A container below the destination's prefix. Safe for threads."""

    def __init__(self, destination: AzureDestination, ca: Path | None = None, page: int = 5000) -> None:
        """`page` is how many names one answer has. Raises Invalid for a key that is none, Denied for half of what a
        client needs."""
        self._prefix = f"{destination.prefix}/" if destination.prefix else ""
        where = destination.endpoint or destination.cloud_name
        self._place = f"container {destination.container!r} of {destination.storage_account} at {where}"
        self._open = lambda: container_of(destination, ca)
        self._page = page
        self._key_is_looked_up = looks_up_key(destination)
        self._lock = threading.Lock()
        self._opened: ContainerClient | None = None if self._key_is_looked_up else self._open()

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        if length == 0:
            return b""
        offset = start if start or length is not None else None
        name = self._name(key)
        try:
            return ask(lambda: self._container().download_blob(name, offset, length).readall(), passes)
        except RAISED as error:
            if status_of(error) == 416:
                return b""
            raise self._meaning(f"read {key}", error) from error

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._try(f"write {key}", key, lambda: self._write(key, body, overwrite=True))

    def create(self, key: str, body: bytes) -> bool:
        """See the port. A refusal after a lost answer may be about our own write; then the bodies are the same."""
        asked = 0

        def write() -> bool:
            nonlocal asked
            asked += 1
            try:
                self._write(key, body, overwrite=False)
            except RAISED as error:
                if code_of(error) not in TAKEN:
                    raise
                return False
            return True

        return self._try(f"create {key}", key, write) or (asked > 1 and self._holds(key, body))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        whole, page = self._prefix + prefix, self._page
        for blob in self._paged(prefix, lambda: self._container().list_blobs(whole, results_per_page=page).by_page()):
            key = blob.name.removeprefix(self._prefix)
            yield StoredObject(key, blob.size, blob.last_modified, blob.etag.strip('"'))

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        whole, page = self._prefix + prefix, self._page
        for found in self._paged(prefix, lambda: self._container().walk_blobs(whole, results_per_page=page).by_page()):
            name = found.name
            if isinstance(found, BlobPrefix) and not name.endswith("/"):
                name += "/"
            if name != whole:
                yield name.removeprefix(whole)

    def delete(self, key: str) -> None:
        """See the port."""
        name = self._name(key)
        try:
            self._try(f"delete {key}", key, lambda: self._container().delete_blob(name, delete_snapshots="include"))
        except NotFound:
            return

    def _container(self) -> ContainerClient:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _name(self, key: str) -> str:
        """Azure takes backslashes for slashes, and drops dots at the end of what is between slashes, so it would give
        back, or delete, another object. https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""
        name = self._prefix + key
        if "\\" in name or any(part.endswith(".") for part in name.split("/")):
            text = f"Azure can keep no object called {key!r:.200}"
            raise Invalid(text, code=Code.STORE_UNSUITABLE, place=self._place)
        return name

    def _write(self, key: str, body: bytes | bytearray, *, overwrite: bool) -> None:
        self._container().upload_blob(self._name(key), bytes(body), length=len(body), overwrite=overwrite)

    def _holds(self, key: str, body: bytes) -> bool:
        try:
            return self.get(key) == body
        except NotFound as error:
            raise TransientError(f"could not create {key}: it came and went; try again", place=self._place) from error

    def _paged(self, prefix: str, begin: Callable[[], Iterator[Iterator[Any]]]) -> Iterator[Any]:
        """All that is on the pages. What the SDK raises leaves its iterator where it was: the page can be asked for
        again."""
        pages = self._try(f"list {prefix}", "", begin)
        while True:
            page = self._try(f"list {prefix}", "", lambda: next(pages, None))
            if page is None:
                return
            yield from page

    def _try(self, what: str, key: str, request: Callable[[], T]) -> T:
        try:
            return ask(request, passes)
        except RAISED as error:
            until = self._locked_until(key) if code_of(error) in LOCKED else None
            raise self._meaning(what, error, until) from error

    def _locked_until(self, key: str) -> datetime | None:
        """When the lock of an object ends; None for a hold, or if the server does not say, as for a container's."""
        try:
            found = self._container().get_blob_client(self._name(key)).get_blob_properties()
        except RAISED:
            return None
        until: datetime | None = found.immutability_policy.expiry_time
        return until

    def _meaning(self, what: str, error: Exception, until: datetime | None = None) -> SnaplineError:
        found = meaning(f"could not {what} in the object store", error, until)
        if isinstance(found, Denied) and self._key_is_looked_up:
            with self._lock:
                self._opened = None  # somebody may have renewed the keys: the next request asks for them again
            found = TransientError(str(found), code=Code.STORE_CREDENTIALS)
        found.place = self._place
        return found
