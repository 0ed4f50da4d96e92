"""The names of files that have several names; kept on disk when there are many."""

import sqlite3

from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import tree


class Hardlinks:
    """Use in one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE links(device TEXT, inode TEXT, path BLOB, PRIMARY KEY(device, inode))")

    def first(self, device: int, inode: int, path: bytes) -> bytes | None:
        """The name under which the file was seen before; None if `path` is the first one, which is then remembered."""
        key = (str(device), str(inode))
        row = self._db.execute("SELECT path FROM links WHERE device = ? AND inode = ?", key).fetchone()
        if row is None:
            self._db.execute("INSERT INTO links VALUES(?, ?, ?)", (*key, path))
            return None
        return bytes(row[0])

    def forget(self, device: int, inode: int) -> None:
        """As if the file had not been seen: nothing of it is in the tree, so no other name may point there."""
        self._db.execute("DELETE FROM links WHERE device = ? AND inode = ?", (str(device), str(inode)))

    def learn(self, view: View, ids: list[bytes]) -> None:
        """Remembers the files with several names of the tree chunks `ids`: what earlier slices have seen."""
        for _, block in tree_reader.blocks(view, ids):
            for index, entry in enumerate(block.entries):
                if entry.extra and not entry.start:
                    for tag, value in block.attributes(entry.extra):
                        if tag == tree.LINKED:
                            self.first(tree.decode_device(value), entry.inode, block.child(index))

    def close(self) -> None:
        """Lets go of all."""
        self._db.close()
