"""Writes a volume's files into a directory, a window of the tree at a time (FORMAT 11).

In a window: directories are made and what is not in the volume is removed; contents are fetched and written in
parallel; then links and special files; then, from the deepest, directories that are complete get their owner and times.
"""

import errno
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import Damaged, Invalid
from workers.ports import Progress
from workers.repository import fetching, metadata, tree, volumes, walking
from workers.repository.layout import MIB
from workers.repository.target import Target
from workers.repository.tree import Attribute, Block, Header, Record, join, shown
from workers.repository.view import View
from workers.repository.volumes import Volume

READERS = 3
WRITERS = max(1, min(4, (os.cpu_count() or 1) - 1))
"""Threads that make files. They hold the interpreter's lock in turns: more of them are in each other's way."""
IN_FLIGHT = 5
"""Requests for chunks under way, or waiting to be written."""
WINDOW_ENTRIES = 16_384
WINDOW_BYTES = 256 * MIB
PROGRESS_EVERY = 0.25
"""Seconds."""
NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS))

Wanted = Callable[[bytes], bool]


class Part:
    """A record of a file, to be written. Attributes as in the tree; `missing` parts of its content are awaited."""

    __slots__ = ("attributes", "failed", "missing", "path", "record")

    def __init__(self, path: bytes, record: Record, attributes: list[Attribute], missing: int) -> None:
        self.path, self.record, self.attributes, self.missing = path, record, attributes, missing
        self.failed: str | None = None

    def whole(self) -> bool:
        """Whether it is all of its file."""
        return self.record.length == self.record.size


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a chunk, and where in a file they go."""

    part: Part
    at: int
    offset: int
    length: int


@dataclass
class Open:
    """A directory that is not complete yet: what it gets when it is."""

    path: bytes
    header: Header
    attributes: list[Attribute]
    made: bool


@dataclass(frozen=True)
class Pools:
    """Threads that fetch, decrypt and decompress, and threads that make files."""

    readers: ThreadPoolExecutor
    writers: ThreadPoolExecutor


@dataclass
class Reached:
    """How far a restore has come."""

    position: tuple[int, int, int] = (0, 0, 0)
    """Numbers of the tree chunk, of its block and of its record to go on with."""
    name: bytes = b""
    """The last name in the directory that is under way."""
    open: list[Open] = field(default_factory=list)
    written: int = 0  # bytes
    files: int = 0
    warnings: list[str] = field(default_factory=list)
    lost: dict[bytes, str] = field(default_factory=dict)
    """Files that could not be restored, and why."""


class Restore:
    """One slice. `reached` is changed as it goes."""

    def __init__(
        self,
        view: View,
        volume: Volume,
        target: Path,
        reached: Reached,
        *,
        wanted: Wanted | None,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        """With `wanted` only those paths are restored, and nothing is removed."""
        self._view, self._volume, self._path, self.reached = view, volume, target, reached
        self._wanted, self._stop, self._progress = wanted, stop, progress
        self._lock = threading.Lock()
        self._local = threading.local()
        self._targets: list[Target] = []
        self._told = 0.0
        self._existing: list[bytes] = []
        self._made = False
        self._parts: list[Part] = []
        self._pieces: dict[bytes, list[Piece]] = {}
        self._others: list[tuple[bytes, Record, list[Attribute]]] = []
        self._ended: list[Open] = []
        self._window_bytes = 0

    def run(self) -> bool:
        """True when all is written."""
        try:
            with (
                ThreadPoolExecutor(READERS, thread_name_prefix="fetch") as readers,
                ThreadPoolExecutor(WRITERS, thread_name_prefix="write") as writers,
            ):
                pools = Pools(readers, writers)
                if self.reached.position != (0, 0, 0) and self.reached.open:
                    self._go_on(self.reached.open[-1].path)
                for chunk, number, block, begin in self._blocks():
                    if not self._take(pools, block, (chunk, number), begin):
                        return False
                self._end_directories(None)
                self._write(pools)
            return True
        finally:
            for target in self._targets:
                target.close()

    def _blocks(self) -> Iterator[tuple[int, int, Block, int]]:
        """What is left of the tree: numbers of chunk and block, the block, and its first record that is left."""
        first = self.reached.position
        last, number = -1, 0
        for chunk, block in volumes.blocks(self._view, self._volume.tree, first[0]):
            number = number + 1 if chunk == last else 0
            last = chunk
            if (chunk, number) >= first[:2]:
                yield chunk, number, block, first[2] if (chunk, number) == first[:2] else 0

    def _go_on(self, path: bytes) -> None:
        """Into a directory that an earlier slice has begun."""
        if not self._wanted:
            with self._noting(path):
                self._existing = [name for name in self._target().names(path) if name > self.reached.name][::-1]

    # --- the window

    def _full(self) -> bool:
        return (
            len(self._parts) + len(self._others) >= WINDOW_ENTRIES
            or self._window_bytes >= WINDOW_BYTES
            or len(self._ended) >= WINDOW_ENTRIES
        )

    def _take(self, pools: Pools, block: Block, number: tuple[int, int], begin: int) -> bool:
        """Plans the entries of a block, and writes what is planned when it is enough. False if the slice is to end."""
        if block.flags & tree.FIRST and not begin:
            self._begin_directory(block)
        for index in range(begin, len(block.names)):
            self._plan(block, index)
            if self._full():
                self._write(pools)
                if self._stop():
                    self.reached.position, self.reached.name = (*number, index + 1), block.names[index]
                    return False
        if block.flags & tree.LAST and not self._made:
            self._make_way(block.path, None, None)
        return True

    def _plan(self, block: Block, index: int) -> None:
        name, record = block.names[index], block.records[index]
        path = join(block.path, name)
        if self._wanted and not self._wanted(path):
            return
        if not self._made and not record.start:
            self._make_way(block.path, name, record)
        if record.kind == tree.DIRECTORY:
            return
        if self._wanted and not self._wanted(block.path):
            self._make_parents(path)
        attributes = block.attributes(record.extra) if record.extra else []
        if record.kind == tree.FILE:
            self._plan_file(path, block, record, attributes)
        else:
            self._others.append((path, record, attributes))

    def _begin_directory(self, block: Block) -> None:
        self._end_directories(block.path)
        self._existing, self._made = [], False
        if self._wanted and not self._wanted(block.path):
            self._made = True  # nothing in it is removed
            return
        with self._noting(block.path):
            if block.path:
                if self._wanted:
                    self._make_parents(block.path)
                self._made = self._target().make_directory(block.path)
            if not self._made and not self._wanted:
                self._existing = self._target().names(block.path)[::-1]
        attributes = block.attributes(block.header.extra)
        self.reached.open.append(Open(block.path, block.header, attributes, self._made))

    def _make_parents(self, path: bytes) -> None:
        """The directories above a path, when not all of the volume is wanted."""
        parts = path.split(b"/")[:-1]
        with self._noting(path):
            for length in range(1, len(parts) + 1):
                self._target().make_directory(b"/".join(parts[:length]))

    def _make_way(self, directory: bytes, name: bytes | None, record: Record | None) -> None:
        """Removes what is in the directory before `name` and not in the volume, and at `name` what is in the way."""
        while self._existing and (name is None or self._existing[-1] <= name):
            found = self._existing.pop()
            path = join(directory, found)
            if not directory and found in walking.LEFT_ALONE:
                continue
            with self._noting(path):
                if found != name or (record is not None and record.kind != tree.DIRECTORY):
                    self._target().remove(path)

    def _plan_file(self, path: bytes, block: Block, record: Record, attributes: list[Attribute]) -> None:
        planned = list(pieces(block, record, attributes))
        part = Part(path, record, attributes, len(planned))
        self._parts.append(part)
        self._window_bytes += record.stored
        for id_, at, offset, length in planned:
            self._pieces.setdefault(id_, []).append(Piece(part, at, offset, length))

    def _write(self, pools: Pools) -> None:
        """Writes all that is planned."""
        for part in self._parts:
            if part.missing != 1 or not part.whole():
                self._prepare(part)
        self._write_contents(pools)
        for part in self._parts:
            if part.missing != 1 or not part.whole():
                self._complete(part)
            if part.failed:
                self._lose(part.path, part.failed)
            elif part.record.start + part.record.length == part.record.size:
                self.reached.files += 1
        for path, record, attributes in self._others:
            self._make_other(path, record, attributes)
        for directory in self._ended:
            self._finish_directory(directory)
        self._parts, self._pieces, self._others, self._ended, self._window_bytes = [], {}, [], [], 0
        self._report()

    # --- files

    def _write_contents(self, pools: Pools) -> None:
        under_way: deque[Future[None]] = deque()
        try:
            for chunks in fetching.fetch(self._view, self._pieces, pools.readers, IN_FLIGHT):
                under_way.append(pools.writers.submit(self._use, chunks))
                while len(under_way) > WRITERS:
                    under_way.popleft().result()
        finally:
            wait(under_way)
        for each in under_way:
            each.result()

    def _use(self, chunks: fetching.Chunks) -> None:
        """Writes the pieces of some chunks."""
        for id_, plain in chunks:
            self._use_one(id_, plain)
        self._report()

    def _use_one(self, id_: bytes, plain: bytes | Damaged) -> None:
        written = 0
        view = memoryview(b"") if isinstance(plain, Damaged) else memoryview(plain)
        for piece in self._pieces[id_]:
            part = piece.part
            if isinstance(plain, Damaged):
                part.failed = str(plain)
            elif piece.offset + piece.length > len(view):
                part.failed = f"chunk {id_.hex()} is shorter than the tree says"
            else:
                data = view[piece.offset : piece.offset + piece.length]
                if part.missing == 1 and part.whole():
                    self._write_whole(part, piece.at, data)
                elif part.failed is None:
                    self._write_piece(part, piece.at, data)
                written += piece.length
        with self._lock:
            self.reached.written += written

    def _write_whole(self, part: Part, at: int, data: memoryview) -> None:
        """A file whose content is in one piece: made, written and finished at once."""
        with self._noting(part.path, part):
            file = self._target().create(part.path)
            try:
                if at or len(data) < part.record.size:
                    os.ftruncate(file, part.record.size)
                _write_all(file, at, data)
                self._put_on(file, part)
            finally:
                os.close(file)

    def _prepare(self, part: Part) -> None:
        """A new file, of the right size, all holes."""
        with self._noting(part.path, part):
            if part.record.start == 0:
                file = self._target().create(part.path)
                try:
                    os.ftruncate(file, part.record.size)
                finally:
                    os.close(file)

    def _write_piece(self, part: Part, at: int, data: memoryview) -> None:
        with self._noting(part.path, part):
            file = self._open_regular(part.path, os.O_WRONLY)
            try:
                _write_all(file, at, data)
            finally:
                os.close(file)

    def _open_regular(self, path: bytes, flags: int) -> int:
        """Raises OSError if somebody has put something else there, such as a device."""
        file = self._target().open(path, flags | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EBUSY, "it was replaced while it was restored")
        return file

    def _complete(self, part: Part) -> None:
        """Owner and times, after the last part is written."""
        if part.failed or part.record.start + part.record.length < part.record.size:
            return
        with self._noting(part.path, part):
            file = self._open_regular(part.path, os.O_RDONLY)
            try:
                self._put_on(file, part)
            finally:
                os.close(file)

    def _put_on(self, file: int, part: Part) -> None:
        record = part.record
        failed = metadata.put_on(file, record.mode, record.uid, record.gid, record.mtime, part.attributes)
        self._warn(part.path, failed)

    # --- the rest

    def _make_other(self, path: bytes, record: Record, attributes: list[Attribute]) -> None:
        values = dict(attributes)
        with self._noting(path):
            target = self._target()
            if record.kind == tree.HARDLINK:
                if why := self.reached.lost.get(values[tree.TARGET]):
                    self._lose(path, why)
                    return
                target.link(values[tree.TARGET], path)
                self.reached.files += 1
                return
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
            self._warn(path, failed)

    def _end_directories(self, following: bytes | None) -> None:
        """Those that `following` is not in are complete."""
        while self.reached.open:
            path = self.reached.open[-1].path
            if following is not None and (not path or following.startswith(path + b"/")):
                return
            self._ended.append(self.reached.open.pop())

    def _finish_directory(self, directory: Open) -> None:
        with self._noting(directory.path):
            file = self._target().directory(directory.path)
            header, failed = directory.header, list[str]()
            if not directory.made:
                metadata.put_xattrs(failed, file, directory.attributes, anew=False)
            failed += metadata.put_on(file, header.mode, header.uid, header.gid, header.mtime, directory.attributes)
            self._warn(directory.path, failed)

    def _target(self) -> Target:
        """This thread's hand on the directory."""
        found: Target | None = getattr(self._local, "target", None)
        if found is None:
            found = self._local.target = Target(self._path)
            with self._lock:
                self._targets.append(found)
        return found

    @contextmanager
    def _noting(self, path: bytes, part: Part | None = None) -> Iterator[None]:
        """What goes wrong with one path does not hold up the others. Raises Invalid if it would go wrong with all."""
        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM:
                raise Invalid(
                    f"the volume cannot be written at {shown(path)}: {error.strerror}; "
                    f"{self._volume.scanned_bytes} bytes are to be restored; make the claim larger, then restore again"
                ) from error
            why = f"could not be written: {error.strerror}"
            if part is None:
                self._lose(path, why)
            else:
                part.failed = part.failed or why

    def _lose(self, path: bytes, why: str) -> None:
        """Reports a path, and sees to it that no half of a file is left (F30)."""
        with self._lock:
            new = path not in self.reached.lost
            self.reached.lost.setdefault(path, why)
        if new and path:
            try:
                status = self._target().status(path)
                if status is not None and stat.S_ISREG(status.st_mode):
                    self._target().remove(path)
            except OSError:
                return  # it is reported already

    def _warn(self, path: bytes, failed: list[str]) -> None:
        if failed:
            with self._lock:
                self.reached.warnings += [f"{shown(path)}: {why}" for why in failed]

    def _report(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._told < PROGRESS_EVERY:
                return
            self._told = now
            done, files = self.reached.written, self.reached.files
        self._progress(Progress(done, max(self._volume.scanned_bytes, done), files))


def pieces(block: Block, record: Record, attributes: list[Attribute]) -> Iterator[tuple[bytes, int, int, int]]:
    """Chunk, place in the file, offset in the chunk and length of all content of a record."""
    if not record.stored:
        return
    extents = [(record.start, record.stored)]
    for tag, value in attributes:
        if tag == tree.EXTENTS:
            extents = tree.decode_extents(value)
    number, offset = record.first, record.offset
    table = block.table
    for start, length in extents:
        done = 0
        while done < length:
            id_, size = table[number]
            taken = min(length - done, size - offset)
            if taken > 0:
                yield id_, start + done, offset, taken
            done, offset = done + taken, offset + taken
            if offset >= size:
                number, offset = number + 1, 0


def _write_all(file: int, at: int, data: memoryview) -> None:
    while data:
        written = os.pwrite(file, data, at)
        at, data = at + written, data[written:]
