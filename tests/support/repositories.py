"""Object stores that fail in one way each, and a small tree whose content is spread over several packs."""

import hashlib
import os
import random
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.errors import TransientError
from tests.support.volumes import new_repository
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore, StoredObject
from workers.repository import VolumeRepository
from workers.repository.format.ambient import CutSizes, Limits

KIB = 1024
Fault = Callable[[str, str], BaseException | None]
"""Given the operation and its key: what to raise instead of doing it."""
Spoil = Callable[[str, bytes], bytes]
"""Given the key and the body: what is read instead."""


class Killed(BaseException):
    """The process is gone."""


class WrappedStore:
    """The port `ObjectStore`, another one's. `operations` are what was asked for, as `put repository/keys/first`."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.operations: list[str] = []

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """Called before anything is done; may raise."""
        self.operations.append(f"{operation} {key}")

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        self.before("get", key)
        return self.store.get(key, start, length)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self.before("put", key, body)
        self.store.put(key, body)

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        self.before("create", key, body)
        return self.store.create(key, body)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        self.before("list", prefix)
        return self.store.list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        self.before("names", prefix)
        return self.store.names(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self.before("delete", key)
        self.store.delete(key)


class FailingStore(WrappedStore):
    """Raises what `fault` says, and reads what `spoil` makes of a body."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.fault: Fault = lambda _operation, _key: None
        self.spoil: Spoil = lambda _key, body: body

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        super().before(operation, key)
        if error := self.fault(operation, key):
            raise error

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self.spoil(key, super().get(key, start, length))

    def heal(self) -> None:
        """All is well again."""
        self.fault, self.spoil = (lambda _operation, _key: None), (lambda _key, body: body)


class DyingStore(WrappedStore):
    """The process that uses it is killed at an operation, before or after it is done. Nothing happens afterwards."""

    def __init__(self, store: ObjectStore, at: int, *, done: bool) -> None:
        super().__init__(store)
        self._at, self._done, self._count = at, done, 0
        self._lock = threading.Lock()

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        with self._lock:
            self._count += 1
            if self._count == self._at and self._done and operation == "put":
                self.store.put(key, body)
            if self._count == self._at and self._done and operation == "delete":
                self.store.delete(key)
            if self._count >= self._at:
                raise Killed


class FullStore(WrappedStore):
    """Takes no byte more than `most`."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.most: int | None = None

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """See there."""
        super().before(operation, key)
        if self.most is not None and operation in ("put", "create") and size_of(self) + len(body) > self.most:
            raise TransientError(f"could not write {key}: the server answered 507 StorageFull; try again")


def size_of(store: ObjectStore, prefix: str = "") -> int:
    """Bytes of all objects."""
    return sum(found.size for found in store.list(prefix))


def bodies(store: ObjectStore, prefix: str = "") -> dict[str, bytes]:
    """All objects."""
    return {found.key: store.get(found.key) for found in list(store.list(prefix))}


def twin(store: ObjectStore) -> MemoryObjectStore:
    """Another store with the same objects."""
    copied = MemoryObjectStore()
    for key, body in bodies(store).items():
        copied.put(key, body)
    return copied


MANY_PACKS = Limits(
    chunk=CutSizes(KIB, 4 * KIB, 16 * KIB),
    fine_chunk=CutSizes(KIB // 2, KIB, 4 * KIB),
    large_file=4 * KIB,
    read=4 * KIB,
    cut=32 * KIB,
    segment=1024 * KIB,
    look_every=2,
    tree_chunk=2 * KIB,
    tree_chunk_most=16 * KIB,
    block_entries=8,
    pack=68 * KIB,
    packs_per_index_object=4,
    packs_per_prune=2,
)
"""Chunks of 4 KiB and packs of 68 KiB."""


def small_repository(store: ObjectStore) -> VolumeRepository:
    """A repository with MANY_PACKS."""
    return new_repository(store, limits=MANY_PACKS)


def fill(root: Path, files: int = 12, seed: int = 1, size: int = 24 * KIB) -> None:
    """Files in three directories, their content unlike any other's."""
    chance = random.Random(seed)
    for number in range(files):
        directory = root / "abc"[number % 3]
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{seed}-{number}").write_bytes(chance.randbytes(size))


def digests(root: Path) -> dict[str, str]:
    """What is at every path below `root`: a digest for files, the target for symlinks."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = Path(directory, name)
            status = path.lstat()
            what = stat.filemode(status.st_mode)[0]
            if stat.S_ISREG(status.st_mode):
                what = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                what = str(path.readlink())
            found[str(path.relative_to(root))] = what
    return found
