"""Which chunks volumes refer to."""

import sqlite3
from collections.abc import Iterable, Iterator

from schemas.errors import Code, Damaged, NotFound
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import volume_record
from workers.repository.format.layout import PARTIAL, VOLUMES, name_of
from workers.repository.format.listing import listed
from workers.repository.format.volume_record import Volume
from workers.repository.upkeep.say import Say

TOGETHER = 1000
_LEARN = """
INSERT INTO live VALUES(?, ?, ?)
ON CONFLICT(id) DO UPDATE SET tree = max(tree, excluded.tree), needed = max(needed, excluded.needed)
"""


class Live:
    """The chunks that volumes refer to, in a temporary file. Tree chunks that were read are not read again."""

    def __init__(self, kept: set[str], *, passed_over: frozenset[str] = frozenset()) -> None:
        """`kept` are the volumes that jobs refer to; records that are `passed_over` count for nothing."""
        self._kept, self._passed_over = kept, passed_over
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("CREATE TABLE live(id BLOB PRIMARY KEY, tree INTEGER, needed INTEGER) WITHOUT ROWID")
        self._volumes: set[str] = set()

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def learn(self, view: View, say: Say) -> None:
        """Adds what records refer to that were not there before. Raises Damaged for one that cannot be read and that a
        job refers to (F25); of another, such as that of a copy that has died after W1, what can be read counts."""
        found = [each.key for prefix in (VOLUMES, PARTIAL) for each in listed(view.store, prefix)]
        for number, key in enumerate(sorted(found)):
            say("reading volumes", number, len(found))
            if key in self._passed_over or (key in self._volumes and key.startswith(VOLUMES)):
                continue
            needed = key.startswith(VOLUMES) and name_of(key) in self._kept
            try:
                self._add(view, volume_record.read(view.sealed, key), needed)
                self._volumes.add(key)
            except NotFound:
                continue  # deleted meanwhile
            except Damaged as error:
                if not needed:
                    continue
                raise Damaged(
                    f"nothing was pruned, as {key} cannot be read: {error}; delete the backups that it hurts, then "
                    "prune again",
                    code=Code.RECORD_UNREADABLE,
                    subject=key,
                ) from error

    def has(self, id_: bytes) -> bool:
        """Whether some volume refers to it."""
        return self._db.execute("SELECT 1 FROM live WHERE id = ?", (id_,)).fetchone() is not None

    def needed(self) -> Iterator[bytes]:
        """The chunks of volumes that jobs refer to."""
        last = b""
        while True:
            query = "SELECT id FROM live WHERE id > ? AND needed ORDER BY id LIMIT ?"
            rows = self._db.execute(query, (last, TOGETHER)).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (id_ for (id_,) in rows)

    def needs(self, view: View, pack: bytes, id_: bytes, gone: set[bytes]) -> bool:
        """Whether it is referred to, and this pack is the place to keep for it: of several the first good one. A pack
        that is `gone` keeps nothing, but for chunks that no other has: they stay listed, to be missed."""
        if not self.has(id_):
            return False
        places = view.places([id_])[id_]
        best = [place.pack for place in places if place.pack not in gone] or [place.pack for place in places]
        return not best or best[0] == pack

    def _add(self, view: View, volume: Volume, needed: bool) -> None:
        for id_ in volume.tree:
            row = self._db.execute("SELECT tree, needed FROM live WHERE id = ?", (id_,)).fetchone()
            if row is not None and row[0] and row[1] >= needed:
                continue
            try:
                ids = {ref for _, block in tree_reader.blocks(view, [id_]) for ref, _ in block.table}
            except Damaged:
                if needed:
                    raise
                continue
            self._insert((ref, 0, needed) for ref in ids)
            self._insert([(id_, 1, needed)])

    def _insert(self, rows: Iterable[tuple[bytes, int, bool]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(_LEARN, rows)
        self._db.execute("COMMIT")
