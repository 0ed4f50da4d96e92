"""Reads the contents of files into the stream, and adds their entries to the tree."""

import os
import stat
from typing import NamedTuple

from workers.repository.copy import failures, partial_file
from workers.repository.copy.checkpoint import Position, State
from workers.repository.copy.pace import Pace
from workers.repository.copy.stream import Stream
from workers.repository.copy.tree_writer import Fresh, TreeWriter
from workers.repository.files import path_info
from workers.repository.files.opening import RegularFiles
from workers.repository.files.rooted import check_there
from workers.repository.format import tree
from workers.repository.format.ambient import Limits
from workers.repository.format.tree import Attribute, Extent, TreeEntry, join

CHANGED = "changed while it was read; the copy may be of several moments"


_Read = tuple[int | None, bool]
"""What became of a file: how far it was read if the slice ended inside it, and whether it changed."""


class _Segment(NamedTuple):
    """What was read of a part of a file."""

    extents: list[Extent]
    end: int  # in the file
    stopped: bool  # because the slice is to end
    cut_off: bool  # because the file ends there now


class _Open:
    """A file that is being read, as it was when that began."""

    __slots__ = ("attributes", "file", "lacks", "name", "sparse", "status")

    def __init__(self, name: bytes, file: int, status: os.stat_result, attributes: list[Attribute]) -> None:
        self.name, self.file, self.status, self.attributes = name, file, status, attributes
        self.lacks = False  # attributes that are not copied
        self.sparse = status.st_blocks * 512 < status.st_size

    def has_changed(self) -> bool:
        status, now = self.status, os.fstat(self.file)
        return (
            now.st_ctime_ns != status.st_ctime_ns
            or now.st_mtime_ns != status.st_mtime_ns
            or now.st_size != status.st_size
            or now.st_ino != status.st_ino
        )

    def entry(self, size: int, start: int, length: int, stored: int, *, changed: bool) -> TreeEntry:
        """The tree's entry. A file that has changed meanwhile, or lacks something, gets one that is never taken over
        unread (F18)."""
        status = self.status
        return TreeEntry(
            tree.FILE,
            status.st_mode & 0o7777,
            status.st_uid,
            status.st_gid,
            size,
            start,
            length,
            stored,
            status.st_mtime_ns,
            0 if changed or self.lacks else status.st_ctime_ns,
            status.st_ino,
        )


class FileReader:
    """Use in one thread."""

    def __init__(
        self, files: RegularFiles, stream: Stream, writer: TreeWriter, state: State, pace: Pace, limits: Limits
    ) -> None:
        self._files, self._stream, self._writer = files, stream, writer
        self._state, self._pace, self._limits = state, pace, limits

    def read(
        self, directory: int, path: bytes, name: bytes, status: os.stat_result, linked: tuple[Attribute, ...]
    ) -> Position | None:
        """Adds a file of the directory `path`, and what tells its other names. Returns where the slice ended, if it
        ended inside the file. Raises OSError as long as nothing of the file is in the tree."""
        file = self._files.open(directory, name)
        try:
            extended = path_info.xattrs(file)
            opened = _Open(name, file, status, [*linked, *extended.attributes])
            opened.lacks = failures.note_xattrs(self._state, path, name, extended)
            is_small = status.st_size <= self._limits.read and not opened.sparse
            done = self._small(opened) if is_small else self._large(opened, path, 0, None)
        finally:
            os.close(file)
        return self._finish(opened, path, done)

    def go_on(self, directory: int, names: list[bytes], left_off: Position) -> Position | None:
        """Goes on in the file inside which an earlier slice ended, if it still is among the `names` in its directory;
        else the file ends there, with a warning. Returns and raises as `read`."""
        path, name, part = left_off.directory, left_off.name or b"", partial_file.left_off(left_off)
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            is_there = stat.S_ISREG(status.st_mode) and status.st_ino == part.inode and name in names
        except OSError as error:
            check_there(join(path, name), error)
            is_there = False
        if not is_there:
            self.end_gone(path, name, part)
            return None
        if partial_file.stamp(status) != left_off.stamp:
            self._state.warn_of(join(path, name), CHANGED)
        try:
            file = self._files.open(directory, name)
            try:
                extended = path_info.xattrs(file)
                opened = _Open(name, file, status, extended.attributes)
                opened.lacks = extended.left_out > 0  # which was told when it was begun
                done = self._large(opened, path, left_off.start, part)
            finally:
                os.close(file)
        except OSError as error:
            self._fail(path, name, part, error)
            return None
        return self._finish(opened, path, done)

    def end_gone(self, path: bytes, name: bytes, part: TreeEntry) -> None:
        """Ends a file that is in the tree up to `part`, as it has gone, with a warning."""
        self._state.warn_of(join(path, name), partial_file.GONE + self._end(name, part))

    def _fail(self, path: bytes, name: bytes, part: TreeEntry, error: OSError) -> None:
        check_there(join(path, name), error)
        failures.note(self._state, path, name, error, more=self._end(name, part))

    def _end(self, name: bytes, part: TreeEntry) -> str:
        last = partial_file.ended(name, part)
        self._writer.add(last)
        self._state.files += 1
        return f"; the copy ends after {last.entry.size} bytes"

    def _finish(self, opened: _Open, path: bytes, done: _Read | None) -> Position | None:
        if done is None:
            return None
        (reached, changed), position = done, None
        if changed:
            self._state.warn_of(join(path, opened.name), CHANGED)
        if reached is None:
            self._state.files += 1
        else:
            position = Position(path, opened.name, reached, partial_file.stamp(opened.status))
        self._pace.report()
        return position

    # --- contents

    def _small(self, opened: _Open) -> _Read:
        """A small file, in one entry."""
        stream = self._stream
        if stream.fine:
            stream.begin(fine=False)
        size = opened.status.st_size
        begin, room, length = stream.length, stream.room(size), 0
        while length < size and (more := os.readv(opened.file, [room[length:]])):
            length += more
        self._count(length)
        changed = opened.has_changed()
        entry = opened.entry(length, 0, length, length, changed=changed)
        attributes = tree.encode_attributes(opened.attributes) if opened.attributes else b""
        self._writer.add(Fresh(opened.name, entry, attributes, begin))
        return None, changed

    def _large(self, opened: _Open, path: bytes, start: int, part: TreeEntry | None) -> _Read | None:
        """Adds an entry for each segment as soon as it is read. `part` is the last that an earlier slice has added.
        None if it failed and was ended early."""
        size, at, changed = opened.status.st_size, start, False
        self._begin(size)
        try:
            while at < size:
                begin, got = self._stream.length, self._segment(opened, at, min(at + self._limits.segment, size))
                if got.end > at or got.cut_off:
                    whole = got.end if got.cut_off else size
                    entry, changed = self._add(opened, begin, at, got, whole)
                    part = entry if entry.goes_on() else None
                if got.cut_off:
                    return None, changed
                at = got.end
                if got.stopped and at < size:
                    return at, changed
            if start >= size:  # it is empty, or shorter now than when an earlier slice ended
                _, changed = self._add(opened, 0, at, _Segment([], at, False, False), at)
        except OSError as error:
            if part is None:
                raise
            self._fail(path, opened.name, part, error)
            return None
        return None, changed

    def _begin(self, size: int) -> None:
        if size >= self._limits.large_file:
            self._stream.begin(fine=True)
        elif self._stream.fine:
            self._stream.begin(fine=False)

    def _segment(self, opened: _Open, start: int, end: int) -> _Segment:
        wanted = path_info.extents(opened.file, start, end) if opened.sparse else [Extent(start, end - start)]
        got, stopped = self._read_extents(opened.file, wanted)
        cut_off = not stopped and _total(got) < _total(wanted)
        if stopped or cut_off:
            end = got[-1].end() if got else start
        return _Segment(got, end, stopped, cut_off)

    def _read_extents(self, file: int, wanted: list[Extent]) -> tuple[list[Extent], bool]:
        """What was read of what is wanted; True if the slice is to end."""
        got: list[Extent] = []
        for start, length in wanted:
            done = 0
            while done < length:
                room = self._stream.room(min(self._limits.read, length - done))
                more = os.preadv(file, [room], start + done)
                if not more:
                    break
                done += more
                cut = self._count(more)
                self._pace.report()
                if cut and self._pace.stop():
                    return [*got, Extent(start, done)], True
            if done:
                got.append(Extent(start, done))
            if done < length:
                break
        return got, False

    def _count(self, length: int) -> bool:
        """Takes what was read into the stream. True if it was cut."""
        cut = self._stream.add(length)
        self._pace.read(length, cut)
        return cut

    def _add(self, opened: _Open, begin: int, start: int, got: _Segment, size: int) -> tuple[TreeEntry, bool]:
        """Adds what was read from `start` on; the entry, and whether the file has changed."""
        changed = opened.has_changed()
        attributes = opened.attributes
        if opened.sparse and got.end > start:
            attributes = [*attributes, (tree.EXTENTS, tree.encode_extents(got.extents))]
        entry = opened.entry(size, start, got.end - start, _total(got.extents), changed=changed)
        self._writer.add(Fresh(opened.name, entry, tree.encode_attributes(attributes), begin))
        return entry, changed


def _total(extents: list[Extent]) -> int:
    return sum(length for _, length in extents)
