"""Which chunks are where: a node's copy of the index, in SQLite (FORMAT 6). A cache of the store."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.errors import NotFound, TransientError
from workers.repository.chunks.cache_file import CacheFile
from workers.repository.format import index_object
from workers.repository.format.layout import INDEX, name_of
from workers.repository.format.listing import listed
from workers.repository.format.packs import ChunkPlace, Pack, PackEntry
from workers.repository.format.sealing import SealedStore

THREADS = 8
TRIES = 5
SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS objects(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs(number INTEGER PRIMARY KEY, pack BLOB UNIQUE, kind TEXT, size INTEGER);
CREATE TABLE IF NOT EXISTS listed(object TEXT, number INTEGER, PRIMARY KEY(object, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS listed_number ON listed(number);
CREATE TABLE IF NOT EXISTS chunks(
    id BLOB, number INTEGER, offset INTEGER, stored INTEGER, length INTEGER, method INTEGER,
    PRIMARY KEY(id, number, offset)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_number ON chunks(number);
CREATE TABLE IF NOT EXISTS proven(pack BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Index:
    """Safe for threads. Every method raises TransientError when the file is damaged, or cannot be written."""

    def __init__(self, sealed: SealedStore, cache: Path | None) -> None:
        """`cache` is a directory; without one the copy is a temporary file."""
        self._sealed = sealed
        if cache:
            cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = CacheFile(str(cache / f"{sealed.keys.identity}.index-{SCHEMA}") if cache else "", _TABLES)

    def sync(self, without: frozenset[str] = frozenset()) -> set[str]:
        """Makes the copy equal to the store's index (F15), as if index objects `without` were not there; the names of
        all others. Raises Damaged for one that cannot be read."""
        for _ in range(TRIES):
            # Before listing: what another process learns meanwhile must not be forgotten.
            with self._file.reading() as db:
                known = {name for (name,) in db.execute("SELECT name FROM objects")}
            names = {name_of(found.key) for found in listed(self._sealed.store, INDEX)} - without
            try:
                self._learn_all(sorted(names - known))
            except NotFound:
                continue  # a pruner has just replaced it
            with self._file.transaction() as db:
                for name in known - names:
                    _forget(db, name)
            return names
        raise TransientError("the repository's index changes faster than it can be read; try again")

    def learn(self, name: str, packs: Iterable[Pack]) -> None:
        """Takes in what one index object says."""
        with self._file.transaction() as db:
            if db.execute("INSERT OR IGNORE INTO objects VALUES(?)", (name,)).rowcount == 0:
                return  # another process was faster
            for pack in packs:
                db.execute(
                    "INSERT OR IGNORE INTO packs(pack, kind, size) VALUES(?, ?, ?)", (pack.id, pack.kind, pack.size)
                )
                (number,) = db.execute("SELECT number FROM packs WHERE pack = ?", (pack.id,)).fetchone()
                db.execute("INSERT OR IGNORE INTO listed VALUES(?, ?)", (name, number))
                rows = ((entry.id, number, *entry[1:]) for entry in pack.entries)
                db.executemany("INSERT OR IGNORE INTO chunks VALUES(?, ?, ?, ?, ?, ?)", rows)

    def prove(self, packs: Iterable[bytes]) -> None:
        """Remembers that these packs are there, until no index object lists them any more."""
        with self._file.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO proven VALUES(?)", [(pack,) for pack in packs])

    def unproven(self, packs: Iterable[bytes]) -> set[bytes]:
        """Those of the packs that nobody on this node has proven."""
        with self._file.reading() as db:
            query = "SELECT 1 FROM proven WHERE pack = ?"
            return {pack for pack in packs if db.execute(query, (pack,)).fetchone() is None}

    def count(self) -> int:
        """How many packs there are."""
        with self._file.reading() as db:
            return int(db.execute("SELECT count(*) FROM packs").fetchone()[0])

    def places(self, id_: bytes) -> list[ChunkPlace]:
        """All places of a chunk."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT pack, offset, stored, length, method FROM chunks JOIN packs USING(number) WHERE id = ?", (id_,)
            ).fetchall()
        return [ChunkPlace(pack, PackEntry(id_, *entry)) for pack, *entry in rows]

    def packs(self) -> Iterator[Pack]:
        """All packs, each with its chunks. Nobody else is held up between two of them."""
        with self._file.reading() as db:
            listed = db.execute("SELECT number, pack, kind, size FROM packs ORDER BY number").fetchall()
        for row in listed:
            yield self._described(*row)

    def pack_sizes(self) -> dict[bytes, int]:
        """The bytes of every pack."""
        with self._file.reading() as db:
            return dict(db.execute("SELECT pack, size FROM packs"))

    def lists(self, pack: bytes) -> bool:
        """Whether any index object lists the pack."""
        with self._file.reading() as db:
            return db.execute("SELECT 1 FROM packs WHERE pack = ?", (pack,)).fetchone() is not None

    def listing(self, packs: Iterable[bytes]) -> set[str]:
        """The index objects that list any of these packs."""
        query = "SELECT object FROM listed JOIN packs USING(number) WHERE pack = ?"
        with self._file.reading() as db:
            return {name for pack in packs for (name,) in db.execute(query, (pack,))}

    def packs_of(self, objects: Iterable[str]) -> list[Pack]:
        """The packs that some index objects list."""
        query = "SELECT pack FROM listed JOIN packs USING(number) WHERE object = ?"
        with self._file.reading() as db:
            wanted = {pack for name in objects for (pack,) in db.execute(query, (name,))}
        return [pack for pack in map(self.pack, sorted(wanted)) if pack is not None]

    def pack(self, pack: bytes) -> Pack | None:
        """What is in a pack; None if it is not listed."""
        with self._file.reading() as db:
            row = db.execute("SELECT number, pack, kind, size FROM packs WHERE pack = ?", (pack,)).fetchone()
        return None if row is None else self._described(*row)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _described(self, number: int, pack: bytes, kind: str, size: int) -> Pack:
        query = "SELECT id, offset, stored, length, method FROM chunks WHERE number = ? ORDER BY offset"
        with self._file.reading() as db:
            rows = db.execute(query, (number,)).fetchall()
        return Pack(pack, kind, size, [PackEntry(*row) for row in rows])

    def _learn_all(self, names: list[str]) -> None:
        with self._sealed.ambient.pool(THREADS, "index") as pool:
            for at in range(0, len(names), THREADS):
                for name, packs in pool.map(self._fetch, names[at : at + THREADS]):
                    self.learn(name, packs)

    def _fetch(self, name: str) -> tuple[str, list[Pack]]:
        return name, index_object.read(self._sealed, name)


def _forget(db: sqlite3.Connection, name: str) -> None:
    """An index object is gone; so are packs that no other one lists."""
    numbers = [number for (number,) in db.execute("SELECT number FROM listed WHERE object = ?", (name,))]
    db.execute("DELETE FROM listed WHERE object = ?", (name,))
    db.execute("DELETE FROM objects WHERE name = ?", (name,))
    for number in numbers:
        if db.execute("SELECT 1 FROM listed WHERE number = ? LIMIT 1", (number,)).fetchone() is None:
            db.execute("DELETE FROM chunks WHERE number = ?", (number,))
            db.execute("DELETE FROM proven WHERE pack = (SELECT pack FROM packs WHERE number = ?)", (number,))
            db.execute("DELETE FROM packs WHERE number = ?", (number,))
