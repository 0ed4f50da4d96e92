"""The names of files that have several, on disk when they are many."""

import sqlite3


class Links:
    """Use in one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE links(device TEXT, inode TEXT, path BLOB, PRIMARY KEY(device, inode))")

    def first(self, device: int, inode: int, path: bytes) -> bytes | None:
        """The name that the file was seen under before; None, and `path` is remembered, if it is the first."""
        key = (str(device), str(inode))
        row = self._db.execute("SELECT path FROM links WHERE device = ? AND inode = ?", key).fetchone()
        if row is None:
            self._db.execute("INSERT INTO links VALUES(?, ?, ?)", (*key, path))
            return None
        return bytes(row[0])

    def close(self) -> None:
        """Forgets all."""
        self._db.close()
