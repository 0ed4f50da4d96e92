"""Copies a directory tree into the repository, a slice at a time.

The walk and the tree of the volume before go in the same order. Nothing but descriptors of the current directory and
names in it are ever opened: who owns the files may swap them for symlinks at any moment (FORMAT 12).
"""

import os
import stat
import time
from collections.abc import Callable, Iterator

from workers.ports import Progress
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.copy import partial_file
from workers.repository.copy.checkpoint import Position, State
from workers.repository.copy.hardlinks import Links
from workers.repository.copy.parent_tree import Previous
from workers.repository.copy.stream import Stream
from workers.repository.copy.tree_writer import Fresh, Known, TreeWriter
from workers.repository.files import path_info
from workers.repository.files.rooted import Rooted, check_there
from workers.repository.format import tree
from workers.repository.format.tree import Attribute, Block, Extent, Header, Record, join, shown

PROGRESS_EVERY = 0.25
"""Seconds."""
CHANGED = "changed while it was read; the copy may be of several moments"

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FORMAT = stat.S_IFMT(0o177777)
_SUBDIRECTORY = Record(tree.DIRECTORY, *[0] * 13)


class Copy:
    """One slice of a copy. `state` is changed as it goes."""

    def __init__(
        self,
        view: View,
        root: Rooted,
        stream: Stream,
        writer: TreeWriter,
        previous: Previous,
        state: State,
        *,
        unreliable: set[bytes],
        total: int,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        """`unreliable` chunks are stored again; `total` is a guess at all bytes, for the progress."""
        self._view, self._root, self._stream, self._writer, self._previous = view, root, stream, writer, previous
        self._state, self._unreliable, self._total = state, unreliable, total
        self._stop, self._progress = stop, progress
        self._limits = view.ambient.limits
        self._links = Links()
        self._device = os.fstat(root.directory(b"")).st_dev
        self._entries = 0
        self._told = 0.0
        self._cut = False
        self._left_off = state.position
        self._below: list[bytes] = []
        self._stamp: list[int] = []
        self._unended: Record | None = None

    def run(self) -> bool:
        """True when the whole tree is read; else `state.position` says how far."""
        try:
            if self._state.linked:
                self._remember_links()
            for path in self._directories():
                if not self._directory(path):
                    return False
                if self._due() and self._stop():
                    self._state.position = Position(path)
                    return False
            return True
        finally:
            self._links.close()
            self._previous.close()

    # --- the order

    def _directories(self) -> Iterator[bytes]:
        """In tree order. `_directory` leaves the subdirectories that it found in `_below`."""
        stack: list[tuple[bytes, list[bytes]]] = []
        left_off = self._left_off
        if left_off is None:
            yield b""
            stack.append((b"", self._below[::-1]))
        else:
            path = b""
            for part in previous_parts(left_off.directory):
                stack.append((path, [name for name in self._subdirectories(path) if name > part][::-1]))
                path = join(path, part)
            if left_off.name is None:
                self._below = self._subdirectories(path)
            else:
                name = left_off.name
                found = self._subdirectories(path)
                before = [each for each in found if each < name or (each == name and not left_off.start)]
                yield path
                self._below = before + self._below
            stack.append((path, self._below[::-1]))
        while stack:
            parent, waiting = stack[-1]
            if not waiting:
                stack.pop()
                continue
            path = join(parent, waiting.pop())
            yield path
            if self._below:
                stack.append((path, self._below[::-1]))

    def _subdirectories(self, path: bytes) -> list[bytes]:
        try:
            directory = self._root.directory(path)
            with os.scandir(directory) as found:
                names = [os.fsencode(entry.name) for entry in found if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            check_there(path, error)
            return []  # it has vanished since the last slice
        return sorted(self._wanted(path, names))

    def _wanted(self, path: bytes, names: list[bytes]) -> list[bytes]:
        return names if path else [name for name in names if name not in path_info.LEFT_ALONE]

    # --- a directory

    def _directory(self, path: bytes) -> bool:
        """Adds all entries; False if the slice ended before."""
        self._below = []
        left_off, self._left_off = self._left_off, None
        after = left_off.name if left_off and left_off.directory == path else None
        try:
            directory = self._root.directory(path)
            status = os.fstat(directory)
            attributes = tree.encode_attributes(path_info.xattrs(directory))
            names = self._wanted(path, self._root.names(path))
        except OSError as error:
            check_there(path, error)
            self._warn(path, f"could not be listed: {error.strerror}")
            if left_off and after is not None:
                self._end_gone(path, left_off)
            return True
        header = Header(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, 0)
        self._writer.begin(path, header, attributes, first=after is None)
        block = self._previous.enter(path)
        known = block is not None
        start = self._resumed(directory, names, left_off) if left_off and after is not None else 0
        taken = 0
        while after is None and block is not None and self._take_over_block(directory, block, names, taken):
            taken += len(block.names)
            if self._due() and self._stop():
                self._writer.end(last=False)
                self._state.position = Position(path, names[taken - 1])
                return False
            block = self._previous.next_block()
        for name in names[taken:]:
            begin = 0
            if after is not None:
                if name < after or (name == after and not start):
                    continue
                begin = start if name == after else 0
            reached = self._entry(directory, path, name, known and not begin, begin)
            if reached is not None or (self._due() and self._stop()):
                self._writer.end(last=False)
                self._state.position = Position(path, name, reached or 0, self._stamp if reached else [])
                return False
        self._writer.end(last=True)
        return True

    def _entry(self, directory: int, path: bytes, name: bytes, known: bool, start: int) -> int | None:
        """Adds an entry. Where in the file the slice ended, if it did."""
        self._entries += 1
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            kind = path_info.KINDS.get(stat.S_IFMT(status.st_mode))
            if start and kind != tree.FILE:
                self._end_early(path, name, partial_file.GONE)
                return None
            if kind == tree.DIRECTORY:
                self._writer.add(Fresh(name, _SUBDIRECTORY))
                self._below.append(name)
                return None
            if kind is None:
                self._warn(join(path, name), "is a socket, which cannot be copied")
                return None
            linked: tuple[Attribute, ...] = ()
            if status.st_nlink > 1 and not start:
                self._state.linked = True
                first = self._links.first(status.st_dev, status.st_ino, join(path, name))
                if first is not None:
                    target = tree.encode_attributes([(tree.TARGET, first)])
                    self._writer.add(Fresh(name, Record(tree.HARDLINK, *[0] * 13), target))
                    self._state.files += kind == tree.FILE
                    return None
                linked = ((tree.LINKED, tree.encode_device(status.st_dev)),)
            if known and self._take_over(name, kind, status, linked):
                return None
            if kind == tree.FILE:
                return self._file(directory, path, name, status, linked, start)
            self._writer.add(self._special(directory, name, kind, status, linked))
        except OSError as error:
            check_there(join(path, name), error)
            why = (
                "vanished while it was copied"
                if isinstance(error, FileNotFoundError)
                else f"could not be read: {error.strerror}"
            )
            if self._unended:
                self._end_early(path, name, why)
            else:
                self._warn(join(path, name), why)
        return None

    # --- a file that is in the tree in part

    def _resumed(self, directory: int, names: list[bytes], left_off: Position) -> int:
        """Where to go on in the file that the slice before ended in the midst of; 0 if that is not possible. Warns
        if it is not what it was."""
        name, path = left_off.name or b"", left_off.directory
        if not left_off.start:
            return 0
        self._unended = partial_file.left_off(left_off)
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            check_there(join(path, name), error)
            self._end_early(path, name, partial_file.GONE)
            return 0
        if not stat.S_ISREG(status.st_mode) or status.st_ino != self._unended.inode or name not in names:
            self._end_early(path, name, partial_file.GONE)
            return 0
        if partial_file.stamp(status) != left_off.stamp:
            self._warn(join(path, name), CHANGED)
        return left_off.start

    def _end_gone(self, path: bytes, left_off: Position) -> None:
        """Ends a directory that has vanished since the slice before, which wrote its first block."""
        self._writer.begin(path, Header(0o700, 0, 0, 0, 0), b"", first=False)
        if left_off.start:
            self._unended = partial_file.left_off(left_off)
            self._end_early(path, left_off.name or b"", partial_file.GONE)
        self._writer.end(last=True)

    def _end_early(self, path: bytes, name: bytes, why: str) -> None:
        """The file that is in the tree in part ends there."""
        if self._unended is None:
            return
        entry = partial_file.ended(name, self._unended)
        self._unended = None
        self._writer.add(entry)
        self._state.files += 1
        self._warn(join(path, name), f"{why}; the copy ends after {entry.record.size} bytes")

    # --- what is the same as before

    def _take_over_block(self, directory: int, block: Block, names: list[bytes], at: int) -> bool:
        """Adds a whole block of the tree before, if it has the names from `at` on, and each is a whole entry of one
        name and of the same content (F18); else leaves them to `_entry`."""
        count = len(block.names)
        if not count or self._unreliable or names[at : at + count] != block.names:
            return False
        files = scanned = 0
        below = []
        for name, record in zip(block.names, block.records, strict=True):
            kind, _, _, _, size, start, length, stored, mtime, ctime, inode, _, _, _ = record
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except OSError:
                return False
            if path_info.KINDS.get(status.st_mode & _FORMAT) != kind:
                return False
            if kind == tree.DIRECTORY:
                below.append(name)
                continue
            if (
                status.st_ino != inode
                or status.st_ctime_ns != ctime
                or status.st_mtime_ns != mtime
                or status.st_size != size
                or status.st_nlink > 1
            ):
                return False
            if kind == tree.FILE:
                if start or length != size:
                    return False
                files += 1
                scanned += stored
        self._writer.add_block(block, last=at + count == len(names))
        self._below += below
        self._entries += count
        self._state.files += files
        self._state.scanned += scanned
        return True

    def _take_over(self, name: bytes, kind: int, status: os.stat_result, linked: tuple[Attribute, ...]) -> bool:
        """Adds the records of the tree before, if they are of the same content (F18)."""
        found = self._previous.find(name)
        if found is None:
            return False
        block, index = found
        record = block.records[index]
        if (
            record.inode != status.st_ino
            or record.ctime != status.st_ctime_ns
            or record.mtime != status.st_mtime_ns
            or record.size != status.st_size
            or record.kind != kind
        ):
            return False
        if linked and linked[0] not in block.attributes(record.extra):
            return False
        taken = [found]
        reached, scanned = record.start + record.length, record.stored
        if record.start:
            return False
        while kind == tree.FILE and reached < record.size:
            following = self._previous.following(*taken[-1])
            if following is None:
                return False
            more = following[0].records[following[1]]
            if more.start != reached or not more.length or more[8:11] != record[8:11] or more.size != record.size:
                return False
            taken.append(following)
            reached, scanned = more.start + more.length, scanned + more.stored
        if self._unreliable and any(self._hurt(*each) for each in taken):
            return False
        for each in taken:
            self._writer.add(Known(name, *each))
        self._state.scanned += scanned
        self._state.files += kind == tree.FILE
        return True

    def _hurt(self, block: Block, index: int) -> bool:
        return any(id_ in self._unreliable for id_, _ in block.chunks(block.records[index]))

    def _special(
        self, directory: int, name: bytes, kind: int, status: os.stat_result, linked: tuple[Attribute, ...]
    ) -> Fresh:
        attributes = [*linked]
        if kind == tree.SYMLINK:
            attributes.append((tree.TARGET, path_info.link(directory, name)))
        elif kind in (tree.CHARACTER, tree.BLOCK):
            attributes.append((tree.DEVICE, tree.encode_device(status.st_rdev)))
        attributes += path_info.xattrs(path_info.place_of(directory, name))
        return Fresh(name, _record(kind, status), tree.encode_attributes(attributes))

    # --- a file

    def _file(
        self,
        directory: int,
        path: bytes,
        name: bytes,
        status: os.stat_result,
        linked: tuple[Attribute, ...],
        start: int,
    ) -> int | None:
        """Reads a file and adds its records. Where the slice ended, if it did in the midst of it."""
        file = os.open(name, _OPEN, dir_fd=directory)
        try:
            reading = _Reading(name, file, status, [*linked, *path_info.xattrs(file)])
            reached = (
                self._whole(reading)
                if reading.is_small(self._limits.read) and not start
                else self._large(reading, start)
            )
        finally:
            os.close(file)
        if reading.changed:
            self._warn(join(path, name), CHANGED)
        if reached is None:
            self._state.files += 1
        else:
            self._stamp = partial_file.stamp(status)
        self._report()
        return reached

    def _whole(self, reading: "_Reading") -> int | None:
        """A small file, in one record."""
        if self._stream.fine:
            self._stream.begin(fine=False)
        size = reading.status.st_size
        begin, room, length = self._stream.length, self._stream.room(size), 0
        while length < size and (more := os.readv(reading.file, [room[length:]])):
            length += more
        self._add(length)
        self._writer.add(reading.entry(begin, 0, length, length, None, size=length))
        return None

    def _large(self, reading: "_Reading", start: int) -> int | None:
        """Adds a record for each segment as soon as it is read. Where the slice ended, if it did."""
        size, at = reading.status.st_size, start
        if size >= self._limits.large_file:
            self._stream.begin(fine=True)
        elif self._stream.fine:
            self._stream.begin(fine=False)
        while at < size:
            end = min(at + self._limits.segment, size)
            ranges = path_info.extents(reading.file, at, end) if reading.sparse else [(at, end - at)]
            begin = self._stream.length
            got, stopped = self._read_ranges(reading.file, ranges)
            cut_off = not stopped and sum(length for _, length in got) < sum(length for _, length in ranges)
            if stopped or cut_off:
                end = sum(got[-1]) if got else at
            if end > at or cut_off:
                stored = sum(length for _, length in got)
                extents = got if reading.sparse else None
                whole = end if cut_off else size
                entry = reading.entry(begin, at, end - at, stored, extents, size=whole)
                self._writer.add(entry)
                self._unended = entry.record if end < whole else None
            if cut_off:
                return None
            at = end
            if stopped and at < size:
                return at
        if start >= size:  # it is empty, or shorter now than when the slice before ended
            self._writer.add(reading.entry(0, at, 0, 0, None, size=at))
            self._unended = None
        return None

    def _read_ranges(self, file: int, ranges: list[Extent]) -> tuple[list[Extent], bool]:
        """What of the ranges was read; True if the slice is to end."""
        got: list[Extent] = []
        for start, length in ranges:
            done = 0
            while done < length:
                more = os.preadv(file, [self._stream.room(min(self._limits.read, length - done))], start + done)
                if not more:
                    break
                done += more
                cut = self._add(more)
                self._report()
                if cut and self._stop():
                    return [*got, (start, done)], True
            if done:
                got.append((start, done))
            if done < length:
                break
        return got, False

    # --- counting

    def _add(self, length: int) -> bool:
        self._state.scanned += length
        self._state.changed += length
        cut = self._stream.add(length)
        self._cut = self._cut or cut
        return cut

    def _due(self) -> bool:
        """Whether to look if the slice is to end: after a cut, and now and then."""
        due = self._cut or self._entries >= self._limits.look_every
        if due:
            self._cut, self._entries = False, 0
            self._report()
        return due

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY:
            self._told = now
            scanned = self._state.scanned
            self._progress(Progress(scanned, max(self._total, scanned), self._state.files))

    def _warn(self, path: bytes, why: str) -> None:
        self._state.warn(f"{shown(path)}: {why}")

    def _remember_links(self) -> None:
        """The files with several names that earlier slices have seen."""
        for _, block in tree_reader.blocks(self._view, self._state.tree):
            for index, record in enumerate(block.records):
                if record.extra and not record.start:
                    for tag, value in block.attributes(record.extra):
                        if tag == tree.LINKED:
                            self._links.first(tree.decode_device(value), record.inode, block.child(index))


class _Reading:
    """A file that is being read."""

    __slots__ = ("_attributes", "changed", "file", "name", "sparse", "status")

    def __init__(self, name: bytes, file: int, status: os.stat_result, attributes: list[Attribute]) -> None:
        self.name, self.file, self.status, self._attributes = name, file, status, attributes
        self.sparse = status.st_blocks * 512 < status.st_size
        self.changed = False

    def is_small(self, most: int) -> bool:
        return self.status.st_size <= most and not self.sparse

    def entry(
        self, begin: int, start: int, length: int, stored: int, extents: list[Extent] | None, *, size: int
    ) -> Fresh:
        """A record of what was just read. What has changed meanwhile is never taken over unread (F18)."""
        status, now = self.status, os.fstat(self.file)
        self.changed = (
            now.st_ctime_ns != status.st_ctime_ns
            or now.st_mtime_ns != status.st_mtime_ns
            or now.st_size != status.st_size
            or now.st_ino != status.st_ino
        )
        attributes = self._attributes
        if extents is not None:
            attributes = [*attributes, (tree.EXTENTS, tree.encode_extents(extents))]
        record = Record(
            tree.FILE,
            status.st_mode & 0o7777,
            status.st_uid,
            status.st_gid,
            size,
            start,
            length,
            stored,
            status.st_mtime_ns,
            0 if self.changed else status.st_ctime_ns,
            status.st_ino,
            0,
            0,
            0,
        )
        return Fresh(self.name, record, tree.encode_attributes(attributes) if attributes else b"", begin)


def previous_parts(path: bytes) -> list[bytes]:
    """The parts of a path."""
    return path.split(b"/") if path else []


def _record(kind: int, status: os.stat_result) -> Record:
    return Record(
        kind,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_size,
        0,
        0,
        0,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        0,
        0,
        0,
    )
