"""Reads what a path is: attributes, extents, links (FORMAT 7)."""

import errno
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from workers.repository.format import tree
from workers.repository.format.layout import XATTRS_MOST
from workers.repository.format.tree import Attribute, Extent

LEFT_ALONE = frozenset((b".snapline", b"lost+found"))
"""At the top of a volume: ours while a restore goes on, and the file system's. Never copied, never removed."""

KINDS = {
    stat.S_IFREG: tree.FILE,
    stat.S_IFDIR: tree.DIRECTORY,
    stat.S_IFLNK: tree.SYMLINK,
    stat.S_IFIFO: tree.FIFO,
    stat.S_IFCHR: tree.CHARACTER,
    stat.S_IFBLK: tree.BLOCK,
}
"""Kinds by `stat.S_IFMT`; a socket has none."""

LEAST_HOLE = 64 * 1024
"""Shorter holes are read as zeros."""


class Xattrs(NamedTuple):
    """Extended attributes, and how many more there are than a tree takes."""

    attributes: list[Attribute]
    left_out: int = 0


NONE = Xattrs([])


def xattrs(place: int | bytes) -> Xattrs:
    """The extended attributes of an open file, or of a path that is not followed."""
    if isinstance(place, int):
        return _xattrs_of_open(place)
    try:
        names = os.listxattr(place, follow_symlinks=False)
    except OSError:  # many file systems have none, for some kinds
        return NONE
    return _within_bounds(names, lambda name: os.getxattr(place, name, follow_symlinks=False)) if names else NONE


def _xattrs_of_open(file: int) -> Xattrs:
    try:
        names = os.listxattr(file)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM, errno.EACCES):
            return NONE
        raise
    return _within_bounds(names, lambda name: os.getxattr(file, name)) if names else NONE


def _within_bounds(names: list[str], value_of: Callable[[str], bytes]) -> Xattrs:
    """By name, so `security` and `system` come first: what the file's owner has put there crowds out none of them."""
    found: list[Attribute] = []
    room, left_out = XATTRS_MOST, 0
    for name in sorted(names):
        try:
            described = os.fsencode(name) + b"\0" + value_of(name)
        except OSError:
            continue  # it was removed meanwhile
        if len(described) > room:
            left_out += 1
            continue
        room -= len(described)
        found.append((tree.XATTR, described))
    return Xattrs(found, left_out)


def link(directory: int, name: bytes) -> bytes:
    """The target of a symlink. Raises FileNotFoundError if it is no symlink any more."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise FileNotFoundError(errno.ENOENT, "it is no symlink any more") from error
        raise


def place_of(directory: int, name: bytes) -> bytes:
    """A path of `name` in an open directory, for calls that take no dir_fd."""
    return b"/proc/self/fd/%d/%s" % (directory, name)


def extents(file: int, start: int, end: int) -> list[Extent]:
    """Where there is data between `start` and `end` of an open sparse file."""
    found: list[Extent] = []
    at = start
    while at < end:
        try:
            begin = os.lseek(file, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break  # a hole up to the end
            raise
        if begin >= end:
            break
        finish = min(os.lseek(file, begin, os.SEEK_HOLE), end)
        if finish <= begin:
            break  # it was cut off meanwhile
        if found and begin - found[-1].end() < LEAST_HOLE:
            begin = found.pop().start
        found.append(Extent(begin, finish - begin))
        at = finish
    return found
