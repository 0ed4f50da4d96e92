"""What of the parent's tree is taken over unread, because nothing about it has changed (F18)."""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from workers.repository.copy.parent_tree import InBlock, ParentTree
from workers.repository.files.path_info import KINDS
from workers.repository.format import tree
from workers.repository.format.tree import Attribute, Block, TreeEntry

_FORMAT = stat.S_IFMT(0o177777)


class Unchanged(NamedTuple):
    """What is in a block that is taken over whole."""

    subdirectories: list[bytes]
    files: int
    stored: int  # bytes


def whole_block(directory: int, block: Block, names: list[bytes], at: int) -> Unchanged | None:
    """What is in a block of the parent's tree, if the directory has its names from `at` on, and each is a whole entry
    of one name and of the same content; else None."""
    count = len(block.names)
    if not count or names[at : at + count] != block.names:
        return None
    files = scanned = 0
    subdirectories = []
    for name, entry in zip(block.names, block.entries, strict=True):
        kind, _, _, _, size, start, length, stored, mtime, ctime, inode, _, _, _ = entry
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError:
            return None
        if KINDS.get(status.st_mode & _FORMAT) != kind:
            return None
        if kind == tree.DIRECTORY:
            subdirectories.append(name)
            continue
        if (
            status.st_ino != inode
            or status.st_ctime_ns != ctime
            or status.st_mtime_ns != mtime
            or status.st_size != size
            or status.st_nlink > 1
        ):
            return None
        if kind == tree.FILE:
            if start or length != size:
                return None
            files += 1
            scanned += stored
    return Unchanged(subdirectories, files, scanned)


def unchanged(
    parent: ParentTree, name: bytes, kind: int, status: os.stat_result, linked: tuple[Attribute, ...]
) -> list[InBlock]:
    """The entries of `name` in the parent's directory, if they are whole and of the same content; else none."""
    found = parent.find(name)
    if found is None:
        return []
    block, index = found
    first = block.entries[index]
    if (
        first.inode != status.st_ino
        or first.ctime != status.st_ctime_ns
        or first.mtime != status.st_mtime_ns
        or first.size != status.st_size
        or first.kind != kind
        or first.start
    ):
        return []
    if linked and linked[0] not in block.attributes(first.extra):
        return []
    return [found] if kind != tree.FILE or not first.goes_on() else _all_parts(parent, found)


def needs(found: list[InBlock]) -> Iterator[bytes]:
    """The chunks that the entries' contents are in."""
    return (id_ for block, index in found for id_, _ in block.chunks(block.entries[index]))


def _all_parts(parent: ParentTree, first: InBlock) -> list[InBlock]:
    """The entries of a large file; none if they are not one file's, or not all."""
    found = [first]
    part = first[0].entries[first[1]]
    while part.goes_on():
        following = parent.following(*found[-1])
        if following is None:
            return []
        more = following[0].entries[following[1]]
        if not _goes_on_with(part, more):
            return []
        found.append(following)
        part = more
    return found


def _goes_on_with(part: TreeEntry, more: TreeEntry) -> bool:
    return (
        more.start == part.end()
        and more.length > 0
        and (more.size, more.mtime, more.ctime, more.inode) == (part.size, part.mtime, part.ctime, part.inode)
    )
