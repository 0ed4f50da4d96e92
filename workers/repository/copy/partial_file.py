"""A file whose beginning is in the tree, and whose rest comes in a later slice, or is lost (F19)."""

import os

from workers.repository.copy.checkpoint import Position
from workers.repository.copy.tree_writer import Fresh
from workers.repository.format import tree
from workers.repository.format.tree import TreeEntry

GONE = "was replaced or removed while it was read"


def stamp(status: os.stat_result) -> list[int]:
    """What identifies and describes a file when the slice ends inside it."""
    return [
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_mode & 0o7777,
        status.st_uid,
        status.st_gid,
    ]


def left_off(position: Position) -> TreeEntry:
    """The file that an earlier slice has read in part, as it was then, up to where it was read."""
    inode, size, mtime, _, mode, uid, gid = position.stamp
    return TreeEntry(tree.FILE, mode, uid, gid, size, position.start, mtime=mtime, inode=inode)


def ended(name: bytes, part: TreeEntry) -> Fresh:
    """The last entry of a file that ends after `part`, as no more of it can be read. Only its owner may use it:
    without its attributes the mode may allow others more than it did."""
    reached = part.end()
    changes = {"mode": part.mode & 0o700, "size": reached, "start": reached, "length": 0, "stored": 0, "ctime": 0}
    return Fresh(name, part._replace(**changes))
