"""Stores chunks: hashed, deduplicated, compressed, packed and uploaded in the background, in bounded memory."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import zstandard

from workers.repository.chunks.view import View
from workers.repository.format import index_object
from workers.repository.format.layout import pack_key
from workers.repository.format.packs import RAW, ZSTD, Pack, PackBuilder

WORKERS = max(2, min(4, os.cpu_count() or 1))
"""Threads that hash, compress and encrypt: one a core, and no more than memory allows for (a pack and chunks each)."""
UPLOADS = 3
"""Packs being uploaded at once; with those being filled, all the packs in memory."""
IN_FLIGHT = 16
"""Chunks that wait for a worker, or are with one."""
LEVEL = 1
HARDER = 3
"""Levels added for large files: uploading takes most of their time, handling files most of the small ones'."""
WORTH = 0.97
"""A chunk is kept compressed if that makes it smaller than this part of it (F12)."""

Compressed = tuple[int, bytes | memoryview]
"""A method, and what it makes of a plaintext."""
_local = threading.local()


class ChunkWriter:
    """`flush` before relying on anything written. Leaving the context without it stores no index object.

    Safe for threads. After an error every call raises it.
    """

    def __init__(self, view: View, level: int = LEVEL) -> None:
        self._view, self._level = view, level
        self._pool = view.ambient.pool(WORKERS, "chunk")
        self._uploading = view.ambient.pool(UPLOADS, "upload")
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._upload_slots = threading.Semaphore(UPLOADS)
        self._lock = threading.Lock()  # guards what follows
        self._none_waits = threading.Condition(self._lock)
        self._waiting = False  # whether a full pack waits for a free slot
        self._building: dict[str, PackBuilder] = {}
        self._uploads: list[Future[Pack]] = []
        self._mine: set[bytes] = set()
        self._error: BaseException | None = None
        self.uploaded_bytes = 0
        self.new_bytes = self.new_stored_bytes = 0
        """Of the data chunks that were not there before: their plaintext, and what is kept of it."""
        self.relied: set[bytes] = set()
        """The packs of others that have what was written."""

    def write(self, kind: str, plaintext: bytes | memoryview, *, harder: bool = False) -> Future[bytes]:
        """The chunk's id, soon; the chunk is stored after the next `flush`. Waits while too much is under way. With
        `harder` it is compressed more than at the level that was asked for."""
        if self._error:
            raise self._error
        self._slots.acquire()
        level = self._level + HARDER if harder and self._level > 0 else self._level
        future = self._pool.submit(self._store, kind, plaintext, level)
        future.add_done_callback(lambda _: self._slots.release())
        return future

    def keep(self, kind: str, plaintext: bytes, method: int, payload: bytes) -> bytes:
        """As `write`, in the caller's own thread, of a chunk that is compressed already; its id."""
        if self._error:
            raise self._error
        return self._store_as(kind, plaintext, lambda: (method, payload))

    def write_sealed_anew(self, kind: str, id_: bytes, plaintext: bytes) -> None:
        """Stores a chunk into a new pack though it is in the repository already."""
        method, payload = _compressed(plaintext, self._level)
        self._add(kind, id_, method, payload, len(plaintext))

    def flush(self) -> None:
        """Returns when all that was written is stored and listed in the index (F13). No write may be under way."""
        with self._lock:
            unfinished, self._building = list(self._building.values()), {}
        for builder in unfinished:
            self._submit(builder)
        with self._lock:
            uploads, self._uploads = self._uploads, []
        packs = [upload.result() for upload in uploads]
        for name, listed in index_object.write(self._view.sealed, packs):
            self._view.index.learn(name, listed)
        self._view.index.prove(pack.id for pack in packs)
        with self._lock:
            self._mine.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._uploading.shutdown(cancel_futures=True)

    def _store(self, kind: str, plaintext: bytes | memoryview, level: int) -> bytes:
        return self._store_as(kind, plaintext, lambda: _compressed(plaintext, level))

    def _store_as(self, kind: str, plaintext: bytes | memoryview, compressed: Callable[[], Compressed]) -> bytes:
        id_ = self._view.keys.id_of(kind, plaintext)
        with self._lock:
            if id_ in self._mine:
                return id_
            self._mine.add(id_)
        place = self._view.reliable(id_)
        if place is not None:
            self.relied.add(place.pack)
        else:
            method, payload = compressed()
            self._add(kind, id_, method, payload, len(plaintext))
        return id_

    def _add(self, kind: str, id_: bytes, method: int, payload: bytes | memoryview, length: int) -> None:
        """While a full pack waits to be uploaded, nobody fills the next: many threads would make many packs."""
        full = None
        with self._none_waits:
            while self._waiting:
                self._none_waits.wait()
            builder = self._building.get(kind)
            if builder is None:
                builder = self._building[kind] = PackBuilder(self._view.keys, kind, self._view.ambient.random_bytes(16))
            builder.add(id_, method, payload, length)
            if kind == "d":
                self.new_bytes += length
                self.new_stored_bytes += len(payload)
            if builder.size() >= self._view.ambient.limits.pack:
                full = self._building.pop(kind)
                self._waiting = True
        if full:
            self._submit(full)

    def _submit(self, builder: PackBuilder) -> None:
        """Waits for a free slot, without the lock."""
        self._upload_slots.acquire()
        with self._none_waits:
            self._waiting = False
            self._none_waits.notify_all()
        upload = self._uploading.submit(self._upload, builder)
        with self._lock:
            self._uploads.append(upload)
        upload.add_done_callback(lambda _: self._upload_slots.release())

    def _upload(self, builder: PackBuilder) -> Pack:
        try:
            pack, body = builder.finish()
            self._view.store.put(pack_key(pack.id), body)
        except BaseException as error:
            self._error = self._error or error
            raise
        with self._lock:
            self.uploaded_bytes += len(body)
        return pack


def _compressed(plaintext: bytes | memoryview, level: int) -> Compressed:
    payload = _compressor(level).compress(plaintext)
    return (ZSTD, payload) if len(payload) < WORTH * len(plaintext) else (RAW, plaintext)


def _compressor(level: int) -> zstandard.ZstdCompressor:
    # A compressor must not be shared by threads.
    made: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if level not in made:
        made[level] = zstandard.ZstdCompressor(level=level)
    return made[level]
