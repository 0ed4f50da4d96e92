"""Chunks in the object store: named by content, written once, in parallel."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from schemas.errors import Damaged
from workers.ports import ObjectStore
from workers.repository.keyring import Keys
from workers.repository.sealing import seal, unseal

CHUNKS = "repository/chunks/"
SIZE = 4 * 1024 * 1024
"""Bytes of plaintext in a chunk, at most."""
THREADS = 8
IN_FLIGHT = 16
"""Chunks held in memory at once."""


def key_of(chunk: str) -> str:
    """Where a chunk is kept."""
    return f"{CHUNKS}{chunk[:2]}/{chunk}"


def read_chunk(store: ObjectStore, keys: Keys, chunk: str) -> bytes:
    """The plaintext. Raises NotFound, Damaged."""
    plaintext = unseal(keys, store.get(key_of(chunk)), key_of(chunk))
    if keys.name(plaintext) != chunk:
        raise Damaged(f"chunk {chunk} holds other data than its name says")
    return plaintext


class ChunkWriter:
    """Stores chunks in the background. Leave the context, or `flush`, before relying on them."""

    def __init__(self, store: ObjectStore, keys: Keys) -> None:
        self._store, self._keys = store, keys
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="chunk")
        self._waiting: deque[Future[int]] = deque()
        self._seen: set[str] = set()
        self.uploaded_bytes = 0

    def write(self, plaintext: bytes) -> str:
        """The chunk's name; it is stored soon. Raises what an earlier write raised."""
        name = self._keys.name(plaintext)
        if name not in self._seen:
            self._seen.add(name)
            self._waiting.append(self._pool.submit(self._store_chunk, name, plaintext))
            while len(self._waiting) > IN_FLIGHT:
                self._collect()
        return name

    def flush(self) -> None:
        """Returns when all chunks are stored. Raises what a write raised."""
        while self._waiting:
            self._collect()

    def __enter__(self) -> "ChunkWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _collect(self) -> None:
        self.uploaded_bytes += self._waiting.popleft().result()

    def _store_chunk(self, name: str, plaintext: bytes) -> int:
        sealed = seal(self._keys, plaintext, key_of(name))
        return len(sealed) if self._store.create(key_of(name), sealed) else 0
