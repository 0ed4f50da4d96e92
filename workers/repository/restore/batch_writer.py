"""Writes a batch: contents in parallel, then links and special files, then what complete directories get.

The content of a chunk is written as soon as it is there, to all files that have a part of it.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager

from schemas.errors import Damaged
from workers.repository.chunks import chunk_reader
from workers.repository.chunks.view import View
from workers.repository.files import metadata
from workers.repository.files.target import CREATE
from workers.repository.format import tree
from workers.repository.format.tree import Attribute, TreeEntry, join
from workers.repository.restore.batch import Batch, FilePart, Made, OpenDirectory, Piece, SmallFile, part_of
from workers.repository.restore.outcome import Outcome

READERS = 3
WRITERS = max(2, min(4, os.cpu_count() or 1))
"""Threads that make files. They hold the interpreter's lock in turns, so more of them would be in each other's way."""
IN_FLIGHT = 4
"""Requests for chunks under way, or waiting to be written."""


class BatchWriter:
    """Fills a directory batch by batch: one is written while the caller plans the next."""

    def __init__(self, view: View, outcome: Outcome, batches: Executor) -> None:
        """Made by `batch_writer`."""
        self._view, self._outcome, self._batches = view, outcome, batches
        self._readers = view.ambient.pool(READERS, "fetch")
        self._writers = view.ambient.pool(WRITERS, "write")
        self._under_way: Future[None] | None = None

    def put(self, batch: Batch) -> None:
        """Begins to write a batch as soon as the last one is written. Raises what went wrong with that one."""
        self.wait()
        self._under_way = self._batches.submit(self._write, batch)

    def wait(self) -> None:
        """Returns when all is written. Raises what went wrong."""
        if self._under_way:
            self._under_way.result()

    def close(self) -> None:
        """Ends the threads."""
        self._readers.shutdown()
        self._writers.shutdown()

    def _write(self, batch: Batch) -> None:
        for part in batch.parts:
            self._prepare(part)
        self._write_contents(batch)
        for part in batch.parts:
            self._complete(part)
        for path, why in batch.lost:
            self._outcome.lose(path, why)
        for path, entry, attributes in batch.others:
            self._make_other(path, entry, attributes)
        for directory in batch.ended:
            self._finish(directory)
        self._outcome.count()

    # --- contents

    def _write_contents(self, batch: Batch) -> None:
        under_way: deque[Future[None]] = deque()
        try:
            for chunks in chunk_reader.fetch(self._view, batch.chunks, self._readers, IN_FLIGHT):
                under_way.append(self._writers.submit(self._use, batch, chunks))
                while len(under_way) > WRITERS:
                    under_way.popleft().result()
        finally:
            wait(under_way)
        for each in under_way:
            each.result()

    def _use(self, batch: Batch, chunks: chunk_reader.Chunks) -> None:
        """Writes the parts of files that are in these chunks."""
        for id_, plain in chunks:
            smalls, pieces = batch.chunks[id_]
            if isinstance(plain, Damaged):
                self._fail(smalls, pieces, str(plain))
                continue
            data = memoryview(plain)
            if smalls:
                self._write_smalls(smalls, data)
            for piece in pieces:
                self._write_piece(piece, data)

    def _fail(self, smalls: list[SmallFile], pieces: list[Piece], why: str) -> None:
        for small in smalls:
            self._outcome.lose(join(small.directory, small.name), why)
        for piece in pieces:
            piece.part.failed = why

    def _write_smalls(self, smalls: list[SmallFile], data: memoryview) -> None:
        """The common case, in as few steps as possible; anything unusual goes the long way."""
        target, written, files = self._outcome.target(), 0, 0
        for small in smalls:
            directory, name, entry = small
            size, offset = entry.size, entry.offset
            try:
                file = os.open(name, CREATE, 0o600, dir_fd=target.directory(directory))
                try:
                    whole = os.write(file, data[offset : offset + size]) == size
                    metadata.put_plainly(file, entry.mode, entry.uid, entry.gid, entry.mtime)
                finally:
                    os.close(file)
            except OSError:
                whole = False
            if whole:
                written += size
                files += 1
            else:
                self._write_long(small, data)
        self._outcome.count(written=written, files=files)

    def _write_long(self, small: SmallFile, data: memoryview) -> None:
        part = part_of(small)
        self._prepare(part)
        self._write_piece(Piece(part, 0, small.entry.offset, small.entry.size), data)
        self._complete(part)

    def _prepare(self, part: FilePart) -> None:
        """A new file, of the right size, all holes; or the one that was made for an earlier part."""
        unfinished = self._outcome.reached.unfinished
        if part.entry.start:
            part.made = unfinished.get(part.path)
            return
        with self._outcome.noting(part.path, part):
            file = self._outcome.target().create(part.path)
            try:
                status = os.fstat(file)
                os.ftruncate(file, part.entry.size)
            finally:
                os.close(file)
            part.made = Made(status.st_ino, status.st_uid)
            if part.entry.goes_on():
                unfinished[part.path] = part.made

    def _write_piece(self, piece: Piece, data: memoryview) -> None:
        part, offset, length = piece.part, piece.offset, piece.length
        if offset + length > len(data):
            part.failed = "its chunk is shorter than the tree says"
        if part.failed is None:
            with self._outcome.noting(part.path, part), self._regular(part, os.O_WRONLY) as file:
                with part.lock:
                    _write_all(file, piece.at, data[offset : offset + length])
                self._outcome.count(written=length)

    def _complete(self, part: FilePart) -> None:
        """Owner and times, after the last part is written."""
        entry = part.entry
        if part.failed is not None or not entry.goes_on():
            self._outcome.reached.unfinished.pop(part.path, None)
        if part.failed is None and not entry.goes_on():
            with self._outcome.noting(part.path, part), self._regular(part, os.O_RDWR) as file:
                if entry.start:  # the last entry of a file that was cut off while it was copied knows its size
                    os.ftruncate(file, entry.size)
                failed = metadata.put_on(file, entry.mode, entry.uid, entry.gid, entry.mtime, part.attributes)
                self._outcome.warn(part.path, failed)
                self._outcome.count(files=1)
        if part.failed is not None:
            self._outcome.lose(part.path, part.failed)

    @contextmanager
    def _regular(self, part: FilePart, flags: int) -> Iterator[int]:
        """The file that we have made, opened. Raises OSError, also if somebody has put another there: a device, or what
        would be given more rights than its owner has (F38)."""
        file = self._outcome.target().open(part.path, flags | os.O_NONBLOCK)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or not _is_made(part, status):
                raise OSError(errno.EBUSY, metadata.REPLACED)
            yield file
        finally:
            os.close(file)

    # --- the rest

    def _make_other(self, path: bytes, entry: TreeEntry, attributes: list[Attribute]) -> None:
        values = dict(attributes)
        with self._outcome.noting(path):
            if entry.kind == tree.HARDLINK:
                self._link(values[tree.TARGET], path)
                return
            target = self._outcome.target()
            target.remove(path)
            directory, name = target.within(path)
            if entry.kind == tree.SYMLINK:
                os.symlink(values[tree.TARGET], name, dir_fd=directory)
            elif entry.kind == tree.FIFO:
                os.mkfifo(name, 0o600, dir_fd=directory)
            else:
                kind = stat.S_IFCHR if entry.kind == tree.CHARACTER else stat.S_IFBLK
                os.mknod(name, kind | 0o600, tree.decode_device(values[tree.DEVICE]), dir_fd=directory)
            failed = metadata.put_on_name(
                directory,
                name,
                kind=entry.kind,
                mode=entry.mode,
                uid=entry.uid,
                gid=entry.gid,
                mtime=entry.mtime,
                attributes=attributes,
            )
            self._outcome.warn(path, failed)

    def _link(self, first: bytes, path: bytes) -> None:
        if why := self._outcome.reached.lost.get(first):
            self._outcome.lose(path, why)
            return
        self._outcome.target().link(first, path)
        self._outcome.count(files=1)

    def _finish(self, directory: OpenDirectory) -> None:
        with self._outcome.noting(directory.path):
            file = self._outcome.target().directory(directory.path)
            mode, uid, gid, mtime, _ = directory.header
            failed = metadata.put_on(file, mode, uid, gid, mtime, directory.attributes, anew=directory.made)
            self._outcome.warn(directory.path, failed)


@contextmanager
def batch_writer(view: View, outcome: Outcome) -> Iterator[BatchWriter]:
    """The context ends, whatever happens, only when nothing is written any more."""
    with view.ambient.pool(1, "batch") as batches:
        found = BatchWriter(view, outcome, batches)
        try:
            yield found
        finally:
            batches.shutdown()
            found.close()


def _is_made(part: FilePart, status: os.stat_result) -> bool:
    """Whether it is the file that was made for the part; its inode may have been used again."""
    made = part.made
    return made is not None and status.st_ino == made.inode and status.st_uid in (made.uid, part.entry.uid)


def _write_all(file: int, at: int, data: memoryview) -> None:
    while data:
        written = os.pwrite(file, data, at)
        at, data = at + written, data[written:]
