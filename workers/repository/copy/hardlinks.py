"""The names of files that have several names; kept on disk when there are many."""

import sqlite3
import stat
from collections.abc import Callable
from os import stat_result
from typing import NamedTuple

from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.files.path_info import KINDS
from workers.repository.format import tree

_TABLE = """
CREATE TABLE links(
    device TEXT, inode TEXT, path BLOB, kind INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER,
    PRIMARY KEY(device, inode))
"""


class Seen(NamedTuple):
    """A file as it was when the first of its names was seen; times in nanoseconds."""

    path: bytes
    kind: int
    size: int
    mtime: int
    ctime: int


class Another(NamedTuple):
    """What is known of a name whose inode was seen before: the `first` name that it is another one of, None if that is
    not sure; and whether the file may have changed since."""

    first: bytes | None
    changed: bool


class Hardlinks:
    """Use in one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(_TABLE)

    def another(
        self, path: bytes, status: stat_result, now_at: Callable[[bytes], stat_result | None]
    ) -> Another | None:
        """What the name `path` is of a file seen before; None if it is the first. It is remembered, unless it is
        another name of one: an inode may have been freed and used again for another file meanwhile, so unless all is as
        it was, the first name must lead there even now (F39). `now_at` says what is at a path."""
        seen, now = self._seen(status.st_dev, status.st_ino), _as_seen(path, status)
        if seen is not None and seen[1:] == now[1:]:
            return Another(seen.path, changed=False)
        if seen is not None and seen.kind == now.kind and _is_at(now_at(seen.path), status):
            return Another(seen.path, changed=(seen.size, seen.mtime) != (now.size, now.mtime))
        self._remember(status.st_dev, status.st_ino, now)
        return None if seen is None else Another(None, changed=True)

    def forget(self, device: int, inode: int) -> None:
        """As if the file had not been seen: nothing of it is in the tree, so no other name may point there."""
        self._db.execute("DELETE FROM links WHERE device = ? AND inode = ?", (str(device), str(inode)))

    def learn(self, view: View, ids: list[bytes]) -> None:
        """Remembers the files with several names of the tree chunks `ids`: what earlier slices have seen."""
        for _, block in tree_reader.blocks(view, ids):
            for index, entry in enumerate(block.entries):
                if entry.extra and not entry.start:
                    seen = Seen(block.child(index), entry.kind, entry.size, entry.mtime, entry.ctime)
                    for tag, value in block.attributes(entry.extra):
                        if tag == tree.LINKED:
                            self._remember(tree.decode_device(value), entry.inode, seen)

    def close(self) -> None:
        """Lets go of all."""
        self._db.close()

    def _seen(self, device: int, inode: int) -> Seen | None:
        query = "SELECT path, kind, size, mtime, ctime FROM links WHERE device = ? AND inode = ?"
        row = self._db.execute(query, (str(device), str(inode))).fetchone()
        return None if row is None else Seen(*row)

    def _remember(self, device: int, inode: int, seen: Seen) -> None:
        row = (str(device), str(inode), *seen)
        self._db.execute("INSERT OR REPLACE INTO links VALUES(?, ?, ?, ?, ?, ?, ?)", row)


def _as_seen(path: bytes, status: stat_result) -> Seen:
    kind = KINDS.get(stat.S_IFMT(status.st_mode), 0)
    return Seen(path, kind, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_at(found: stat_result | None, status: stat_result) -> bool:
    return found is not None and (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino)
