"""Walks a directory tree and adds all of it to a volume's tree, a slice at a time.

The walk and the tree of the parent go in the same order. Nothing but descriptors of the current directory and names in
it are ever opened: whoever owns the files may swap them for symlinks at any moment (FORMAT 12).
"""

import os
import stat
from typing import NamedTuple

from workers.repository.chunks.reliance import Reliance
from workers.repository.copy import failures, partial_file, reuse
from workers.repository.copy.checkpoint import Position, State
from workers.repository.copy.file_reader import FileReader
from workers.repository.copy.hardlinks import Hardlinks
from workers.repository.copy.pace import Pace
from workers.repository.copy.parent_tree import ParentTree
from workers.repository.copy.tree_writer import Fresh, Taken, TreeWriter
from workers.repository.copy.walk_order import WalkOrder, wanted
from workers.repository.files import path_info
from workers.repository.files.rooted import Rooted, check_there
from workers.repository.format import tree
from workers.repository.format.layout import PATH_MOST
from workers.repository.format.tree import Attribute, Header, TreeEntry, join

_SUBDIRECTORY = TreeEntry(tree.DIRECTORY)


class Walked(NamedTuple):
    """What came of a directory, or of some of its entries: the subdirectories in it, and where the slice ended, if it
    did before all was added."""

    subdirectories: list[bytes]
    left_off: Position | None = None


class Walk:
    """One slice of a copy. What it counts and warns of goes into `state`."""

    def __init__(
        self,
        root: Rooted,
        writer: TreeWriter,
        reader: FileReader,
        parent: ParentTree,
        hardlinks: Hardlinks,
        state: State,
        pace: Pace,
        reliance: Reliance,
    ) -> None:
        """What needs a chunk that must not be relied on is read and stored again."""
        self._root, self._writer, self._reader, self._parent = root, writer, reader, parent
        self._hardlinks, self._state, self._pace, self._reliance = hardlinks, state, pace, reliance

    def run(self, left_off: Position | None) -> Position | None:
        """Goes on where an earlier slice has left off. Returns where this one ended, None if the whole tree is read."""
        order = WalkOrder()
        earlier = order.go_on(self._root, left_off) if left_off else []
        while (path := order.next()) is not None:
            walked = self._directory(path, left_off)
            if walked.left_off:
                return walked.left_off
            if self._pace.ends(0):
                return Position(path)
            order.walked(path, earlier + walked.subdirectories)
            earlier, left_off = [], None
        return None

    def _directory(self, path: bytes, left_off: Position | None) -> Walked:
        """Adds all entries, or those after where an earlier slice `left_off` in it."""
        resumed = left_off if left_off and left_off.directory == path and left_off.name is not None else None
        if len(path) > PATH_MOST:
            self._state.lose(path, failures.TOO_DEEP)
            return Walked([])
        try:
            directory = self._root.directory(path)
            status = os.fstat(directory)
            extended = path_info.xattrs(directory)
            is_mount = self._root.is_mounted_apart(directory, status)
            names = [] if is_mount else wanted(path, self._root.names(path))
        except OSError as error:
            check_there(path, error)
            rest = "the rest of it is not copied" if resumed else "what is in it is not copied"
            failures.note(self._state, path, b"", error, more=f"; {rest}")
            if resumed:
                self._end_gone(resumed)
            return Walked([])
        header = Header(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, 0)
        if not resumed:
            failures.note_xattrs(self._state, path, b"", extended)
        if is_mount:
            self._state.warn_of(path, failures.MOUNTED)
        self._writer.begin(path, header, tree.encode_attributes(extended.attributes), first=resumed is None)
        walked = self._go_on(directory, names, resumed) if resumed else self._all_entries(directory, path, names)
        self._writer.end(last=walked.left_off is None)
        return walked

    def _all_entries(self, directory: int, path: bytes, names: list[bytes]) -> Walked:
        """Begins with the parent's blocks in which nothing has changed, as far as they go."""
        block, taken = self._parent.enter(path), 0
        is_known = block is not None
        subdirectories: list[bytes] = []
        while block is not None and self._reliance.on_all(id_ for id_, _ in block.table):
            unchanged = reuse.whole_block(directory, block, names, taken)
            if unchanged is None:
                break
            taken += len(block.names)
            subdirectories += unchanged.subdirectories
            self._writer.add_block(block, last=taken == len(names))
            self._state.files += unchanged.files
            self._state.kept += unchanged.files
            self._state.scanned += unchanged.stored
            if self._pace.ends(len(block.names)):
                return Walked(subdirectories, Position(path, names[taken - 1]))
            block = self._parent.next_block()
        rest = self._entries(directory, path, names[taken:], is_known)
        return Walked(subdirectories + rest.subdirectories, rest.left_off)

    def _go_on(self, directory: int, names: list[bytes], left_off: Position) -> Walked:
        """Adds what an earlier slice has left over, beginning with the rest of the file inside which it ended."""
        path, last = left_off.directory, left_off.name or b""
        is_known = self._parent.enter(path) is not None
        if left_off.start:
            reached = self._reader.go_on(directory, names, left_off)
            if reached is not None or self._pace.ends(1):
                return Walked([], reached or Position(path, last))
        return self._entries(directory, path, [name for name in names if name > last], is_known)

    def _entries(self, directory: int, path: bytes, names: list[bytes], is_known: bool) -> Walked:
        """`is_known` tells if the parent has the directory."""
        subdirectories: list[bytes] = []
        for name in names:
            reached = None
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                kind = path_info.KINDS.get(stat.S_IFMT(status.st_mode))
                if kind == tree.DIRECTORY:
                    self._writer.add(Fresh(name, _SUBDIRECTORY))
                    subdirectories.append(name)
                elif kind is None:
                    self._state.warn_of(join(path, name), "is a socket, which cannot be copied")
                else:
                    reached = self._entry(directory, path, name, kind, status, is_known)
            except OSError as error:
                check_there(join(path, name), error)
                failures.note(self._state, path, name, error)
            if reached is not None or self._pace.ends(1):
                return Walked(subdirectories, reached or Position(path, name))
        return Walked(subdirectories)

    def _entry(
        self, directory: int, path: bytes, name: bytes, kind: int, status: os.stat_result, is_known: bool
    ) -> Position | None:
        """Adds anything but a directory. Returns where the slice ended, if it ended inside a file."""
        was_there = is_known and kind == tree.FILE and self._parent.find(name) is not None
        self._state.kept += was_there
        linked: tuple[Attribute, ...] = ()
        if status.st_nlink > 1:
            self._state.linked = True
            first = self._first_name(join(path, name), status)
            if first is not None:
                target = tree.encode_attributes([(tree.TARGET, first)])
                self._writer.add(Fresh(name, TreeEntry(tree.HARDLINK), target))
                self._state.files += kind == tree.FILE
                return None
            linked = ((tree.LINKED, tree.encode_device(status.st_dev)),)
        if is_known and self._take_over(name, kind, status, linked):
            return None
        self._state.altered += was_there
        try:
            if kind == tree.FILE:
                return self._reader.read(directory, path, name, status, linked)
            self._writer.add(self._special(directory, path, name, kind, status, linked))
        except OSError:
            if linked:
                self._hardlinks.forget(status.st_dev, status.st_ino)
            raise
        return None

    def _first_name(self, path: bytes, status: os.stat_result) -> bytes | None:
        """The name under which the tree has the same file already; None if it is added under `path`."""
        another = self._hardlinks.another(path, status, self._root.status_apart)
        if another is None:
            return None
        if another.first is None:
            self._state.warn_of(path, failures.APART)
        elif another.changed:
            self._state.warn_of(path, failures.CHANGED_SINCE)
        return another.first

    def _take_over(self, name: bytes, kind: int, status: os.stat_result, linked: tuple[Attribute, ...]) -> bool:
        """Adds the parent's entries of `name`, if nothing about it has changed."""
        found = reuse.unchanged(self._parent, name, kind, status, linked)
        if not found or not self._reliance.on_all(reuse.needs(found)):
            return False
        for block, index in found:
            self._writer.add(Taken(name, block, index))
            self._state.scanned += block.entries[index].stored
        self._state.files += kind == tree.FILE
        return True

    def _end_gone(self, left_off: Position) -> None:
        """Ends a directory that has vanished since an earlier slice, which wrote its first block."""
        path, name = left_off.directory, left_off.name or b""
        self._writer.begin(path, Header(0o700, 0, 0, 0, 0), b"", first=False)
        if left_off.start:
            self._reader.end_gone(path, name, partial_file.left_off(left_off))
        self._writer.end(last=True)

    def _special(
        self,
        directory: int,
        path: bytes,
        name: bytes,
        kind: int,
        status: os.stat_result,
        linked: tuple[Attribute, ...],
    ) -> Fresh:
        """A symlink, a FIFO or a device."""
        attributes = [*linked]
        if kind == tree.SYMLINK:
            attributes.append((tree.TARGET, path_info.link(directory, name)))
        elif kind in (tree.CHARACTER, tree.BLOCK):
            attributes.append((tree.DEVICE, tree.encode_device(status.st_rdev)))
        extended = path_info.xattrs(path_info.place_of(directory, name))
        lacks = failures.note_xattrs(self._state, path, name, extended)
        entry = TreeEntry(
            kind,
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_size,
            mtime=status.st_mtime_ns,
            ctime=0 if lacks else status.st_ctime_ns,
            inode=status.st_ino,
        )
        return Fresh(name, entry, tree.encode_attributes([*attributes, *extended.attributes]))
