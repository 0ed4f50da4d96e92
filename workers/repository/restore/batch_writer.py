"""Writes a window: contents in parallel, then links and special files, then what complete directories get.

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
from workers.repository.format.tree import Attribute, Record, join
from workers.repository.restore.batch import Open, Part, Piece, Small, Window, part_of
from workers.repository.restore.outcome import Outcome

READERS = 3
WRITERS = max(2, min(4, os.cpu_count() or 1))
"""Threads that make files. They hold the interpreter's lock in turns: more of them are in each other's way."""
IN_FLIGHT = 4
"""Requests for chunks under way, or waiting to be written."""


class Filling:
    """Fills a directory window by window: one is written while the caller plans the next."""

    def __init__(self, view: View, outcome: Outcome, windows: Executor) -> None:
        """Use `filling`."""
        self._view, self._outcome, self._windows = view, outcome, windows
        self._readers = view.ambient.pool(READERS, "fetch")
        self._writers = view.ambient.pool(WRITERS, "write")
        self._under_way: Future[None] | None = None

    def put(self, window: Window) -> None:
        """Begins to write a window when the one before is written. Raises what went wrong with that."""
        self.wait()
        self._under_way = self._windows.submit(self._write, window)

    def wait(self) -> None:
        """Returns when all is written. Raises what went wrong."""
        if self._under_way:
            self._under_way.result()

    def close(self) -> None:
        """Ends the threads."""
        self._readers.shutdown()
        self._writers.shutdown()

    def _write(self, window: Window) -> None:
        for part in window.parts:
            self._prepare(part)
        self._write_contents(window)
        for part in window.parts:
            self._complete(part)
        for path, why in window.lost:
            self._outcome.lose(path, why)
        for path, record, attributes in window.others:
            self._make_other(path, record, attributes)
        for directory in window.ended:
            self._finish(directory)
        self._outcome.count()

    # --- contents

    def _write_contents(self, window: Window) -> None:
        under_way: deque[Future[None]] = deque()
        try:
            for chunks in chunk_reader.fetch(self._view, window.chunks, self._readers, IN_FLIGHT):
                under_way.append(self._writers.submit(self._use, window, chunks))
                while len(under_way) > WRITERS:
                    under_way.popleft().result()
        finally:
            wait(under_way)
        for each in under_way:
            each.result()

    def _use(self, window: Window, chunks: chunk_reader.Chunks) -> None:
        """Writes what of the files is in some chunks."""
        for id_, plain in chunks:
            smalls, pieces = window.chunks[id_]
            if isinstance(plain, Damaged):
                self._fail(smalls, pieces, str(plain))
                continue
            data = memoryview(plain)
            if smalls:
                self._write_smalls(smalls, data)
            for piece in pieces:
                self._write_piece(piece, data)

    def _fail(self, smalls: list[Small], pieces: list[Piece], why: str) -> None:
        for small in smalls:
            self._outcome.lose(join(small.directory, small.name), why)
        for piece in pieces:
            piece.part.failed = why

    def _write_smalls(self, smalls: list[Small], data: memoryview) -> None:
        """The common case with as few steps as can be; whatever is out of the ordinary goes the long way."""
        target, written, files = self._outcome.target(), 0, 0
        for small in smalls:
            directory, name, record = small
            size, offset = record.size, record.offset
            try:
                file = os.open(name, CREATE, 0o600, dir_fd=target.directory(directory))
                try:
                    whole = os.write(file, data[offset : offset + size]) == size
                    metadata.put_plainly(file, record.mode, record.uid, record.gid, record.mtime)
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

    def _write_long(self, small: Small, data: memoryview) -> None:
        part = part_of(small)
        self._prepare(part)
        self._write_piece(Piece(part, 0, small.record.offset, small.record.size), data)
        self._complete(part)

    def _prepare(self, part: Part) -> None:
        """A new file, of the right size, all holes."""
        if part.record.start == 0:
            with self._outcome.noting(part.path, part):
                file = self._outcome.target().create(part.path)
                try:
                    os.ftruncate(file, part.record.size)
                finally:
                    os.close(file)

    def _write_piece(self, piece: Piece, data: memoryview) -> None:
        part, offset, length = piece.part, piece.offset, piece.length
        if offset + length > len(data):
            part.failed = "its chunk is shorter than the tree says"
        if part.failed is None:
            with self._outcome.noting(part.path, part), self._regular(part.path, os.O_WRONLY) as file:
                with part.lock:
                    _write_all(file, piece.at, data[offset : offset + length])
                self._outcome.count(written=length)

    def _complete(self, part: Part) -> None:
        """Owner and times, after the last part is written."""
        record = part.record
        if part.failed is None and record.start + record.length == record.size:
            with self._outcome.noting(part.path, part), self._regular(part.path, os.O_RDWR) as file:
                if record.start:  # the last record of a file that was cut off while it was copied knows its size
                    os.ftruncate(file, record.size)
                failed = metadata.put_on(file, record.mode, record.uid, record.gid, record.mtime, part.attributes)
                self._outcome.warn(part.path, failed)
                self._outcome.count(files=1)
        if part.failed is not None:
            self._outcome.lose(part.path, part.failed)

    @contextmanager
    def _regular(self, path: bytes, flags: int) -> Iterator[int]:
        """A file that is there, open. Raises OSError, also if somebody has put something else there, as a device."""
        file = self._outcome.target().open(path, flags | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EBUSY, "it was replaced while it was restored")
            yield file
        finally:
            os.close(file)

    # --- the rest

    def _make_other(self, path: bytes, record: Record, attributes: list[Attribute]) -> None:
        values = dict(attributes)
        with self._outcome.noting(path):
            if record.kind == tree.HARDLINK:
                self._link(values[tree.TARGET], path)
                return
            target = self._outcome.target()
            target.remove(path)
            directory, name = target.within(path)
            if record.kind == tree.SYMLINK:
                os.symlink(values[tree.TARGET], name, dir_fd=directory)
            elif record.kind == tree.FIFO:
                os.mkfifo(name, 0o600, dir_fd=directory)
            else:
                kind = stat.S_IFCHR if record.kind == tree.CHARACTER else stat.S_IFBLK
                os.mknod(name, kind | 0o600, tree.decode_device(values[tree.DEVICE]), dir_fd=directory)
            failed = metadata.put_on_name(
                directory,
                name,
                symlink=record.kind == tree.SYMLINK,
                mode=record.mode,
                uid=record.uid,
                gid=record.gid,
                mtime=record.mtime,
                attributes=attributes,
            )
            self._outcome.warn(path, failed)

    def _link(self, first: bytes, path: bytes) -> None:
        if why := self._outcome.reached.lost.get(first):
            self._outcome.lose(path, why)
            return
        self._outcome.target().link(first, path)
        self._outcome.count(files=1)

    def _finish(self, directory: Open) -> None:
        with self._outcome.noting(directory.path):
            file = self._outcome.target().directory(directory.path)
            header, failed = directory.header, list[str]()
            if not directory.made:
                metadata.put_xattrs(failed, file, directory.attributes, anew=False)
            failed += metadata.put_on(file, header.mode, header.uid, header.gid, header.mtime, directory.attributes)
            self._outcome.warn(directory.path, failed)


@contextmanager
def filling(view: View, outcome: Outcome) -> Iterator[Filling]:
    """Ends, whatever happens, only when nothing is written any more."""
    with view.ambient.pool(1, "batch") as windows:
        found = Filling(view, outcome, windows)
        try:
            yield found
        finally:
            windows.shutdown()
            found.close()


def _write_all(file: int, at: int, data: memoryview) -> None:
    while data:
        written = os.pwrite(file, data, at)
        at, data = at + written, data[written:]
