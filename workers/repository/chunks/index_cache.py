"""Which chunks are where: a node's copy of the index, in SQLite (FORMAT 6).

The file is a cache, shared by the processes of a node; it holds nothing that the store does not.
"""

import fcntl
import sqlite3
import struct
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from schemas.errors import Damaged, NotFound, TransientError
from workers.ports import ObjectStore
from workers.repository.format.keyring import Keys
from workers.repository.format.layout import INDEX, PACK_MOST, name_of, new_id
from workers.repository.format.packs import ENTRY_SIZE, Entry, Pack, decode_entries, encode_entries
from workers.repository.format.sealing import seal, unseal

CACHE_KIB = 16 * 1024
THREADS = 8
TRIES = 5
SCHEMA = 1
PACKS_PER_OBJECT = 64
_PACK = struct.Struct("<16scII")

_TABLES = """
CREATE TABLE IF NOT EXISTS objects(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs(number INTEGER PRIMARY KEY, pack BLOB UNIQUE, kind TEXT, size INTEGER);
CREATE TABLE IF NOT EXISTS listed(object TEXT, number INTEGER, PRIMARY KEY(object, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS listed_number ON listed(number);
CREATE TABLE IF NOT EXISTS chunks(
    id BLOB, number INTEGER, offset INTEGER, stored INTEGER, length INTEGER, method INTEGER,
    PRIMARY KEY(id, number, offset)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_number ON chunks(number);
"""


class Place(NamedTuple):
    """Where a chunk is."""

    pack: bytes
    entry: Entry


def encode(packs: Iterable[Pack]) -> bytes:
    """An index object's plaintext."""
    return b"".join(
        _PACK.pack(pack.id, pack.kind.encode(), pack.size, len(pack.entries)) + encode_entries(pack.entries)
        for pack in packs
    )


def decode(data: bytes) -> Iterator[Pack]:
    """The inverse. Raises Damaged."""
    view, at = memoryview(data), 0
    while at < len(view):
        if at + _PACK.size > len(view):
            raise Damaged("an index object is cut off")
        id_, kind, size, count = _PACK.unpack_from(view, at)
        at += _PACK.size
        end = at + count * ENTRY_SIZE
        if end > len(view) or size > PACK_MOST or kind not in (b"d", b"t"):
            raise Damaged("an index object has an impossible pack")
        yield Pack(id_, kind.decode(), size, decode_entries(view[at:end], kind.decode(), size))
        at = end


def write(store: ObjectStore, keys: Keys, packs: list[Pack]) -> str:
    """A new index object (F13); its name."""
    name = new_id()
    store.put(INDEX + name, seal(keys, encode(packs), INDEX + name))
    return name


def read(store: ObjectStore, keys: Keys, name: str) -> list[Pack]:
    """What one index object lists. Raises NotFound, Damaged."""
    body = store.get(INDEX + name)
    try:
        return list(decode(unseal(keys, body, INDEX + name)))
    except Damaged as error:
        raise Damaged(f"{error}; run `snapline repository repair-index`, which rebuilds it") from error


def unreadable(store: ObjectStore, keys: Keys) -> list[str]:
    """The names of index objects that are damaged, whether or not a node has a copy of what they said."""

    def damaged(name: str) -> bool:
        try:
            read(store, keys, name)
        except NotFound:  # a pruner has just replaced it
            return False
        except Damaged:
            return True
        return False

    names = sorted(name_of(found.key) for found in store.list(INDEX))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="index") as pool:
        return [name for name, is_damaged in zip(names, pool.map(damaged, names), strict=True) if is_damaged]


class Index:
    """Safe for threads."""

    def __init__(self, store: ObjectStore, keys: Keys, cache: Path | None) -> None:
        """`cache` is a directory; without one the copy is a temporary file."""
        self._store, self._keys = store, keys
        self._path = str(cache / f"{keys.identity}.index-{SCHEMA}") if cache else ""
        if cache:
            cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._db = self._connect()

    def sync(self) -> set[str]:
        """Makes the copy equal to the store's index (F15); the names of all index objects."""
        for _ in range(TRIES):
            with self._reading() as db:  # before listing: what another process learns meanwhile is not to be forgotten
                known = {name for (name,) in db.execute("SELECT name FROM objects")}
            names = {name_of(found.key) for found in self._store.list(INDEX)}
            try:
                self._learn_all(sorted(names - known))
            except NotFound:
                continue  # a pruner has just replaced it
            with self._transaction() as db:
                for name in known - names:
                    _forget(db, name)
            return names
        raise TransientError("the repository's index changes faster than it can be read; try again")

    def learn(self, name: str, packs: Iterable[Pack]) -> None:
        """Takes in what one index object says."""
        with self._transaction() as db:
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

    def places(self, id_: bytes) -> list[Place]:
        """All places of a chunk."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT pack, offset, stored, length, method FROM chunks JOIN packs USING(number) WHERE id = ?", (id_,)
            ).fetchall()
        return [Place(pack, Entry(id_, *entry)) for pack, *entry in rows]

    def packs(self) -> Iterator[Pack]:
        """All packs, each with its chunks. Holds nobody up between two of them."""
        with self._reading() as db:
            listed = db.execute("SELECT number, pack, kind, size FROM packs ORDER BY number").fetchall()
        for number, pack, kind, size in listed:
            with self._reading() as db:
                rows = db.execute(
                    "SELECT id, offset, stored, length, method FROM chunks WHERE number = ? ORDER BY offset", (number,)
                ).fetchall()
            yield Pack(pack, kind, size, [Entry(*row) for row in rows])

    def pack_sizes(self) -> dict[bytes, int]:
        """The bytes of every pack."""
        with self._reading() as db:
            return dict(db.execute("SELECT pack, size FROM packs"))

    def ids_in(self, packs: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks of some packs."""
        query = "SELECT id FROM chunks JOIN packs USING(number) WHERE pack = ?"
        for pack in packs:
            with self._reading() as db:
                rows = db.execute(query, (pack,)).fetchall()
            yield from (id_ for (id_,) in rows)

    def listing(self, packs: set[bytes]) -> set[str]:
        """The index objects that list any of these packs."""
        with self._reading() as db:
            rows = db.execute("SELECT DISTINCT object, pack FROM listed JOIN packs USING(number)")
            return {name for name, pack in rows if pack in packs}

    def packs_of(self, objects: set[str]) -> list[Pack]:
        """The packs that some index objects list."""
        with self._reading() as db:
            rows = db.execute("SELECT object, pack FROM listed JOIN packs USING(number)")
            wanted = {pack for name, pack in rows if name in objects}
        return [pack for pack in self.packs() if pack.id in wanted]

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._db.close()

    def _learn_all(self, names: list[str]) -> None:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="index") as pool:
            for at in range(0, len(names), THREADS):
                for name, packs in pool.map(self._fetch, names[at : at + THREADS]):
                    self.learn(name, packs)

    def _fetch(self, name: str) -> tuple[str, list[Pack]]:
        return name, read(self._store, self._keys, name)

    def _connect(self) -> sqlite3.Connection:
        try:
            return _opened(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not self._path:
                raise TransientError(f"could not open the copy of the index at {self._path}: {error}") from error
            self._throw_away()
            return _opened(self._path)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Raises TransientError for a damaged file, which is gone then."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.DatabaseError as error:
                self._check_whole(error)
                raise

    def _check_whole(self, error: sqlite3.Error) -> None:
        if self._path and type(error) is sqlite3.DatabaseError:  # its subclasses tell of other things
            self._throw_away()
            what = f"the copy of the index at {self._path} is damaged ({error}) and was deleted"
            raise TransientError(f"{what}; the next try reads the index anew") from error

    def _throw_away(self) -> None:
        """It is only a cache. The log goes first: it must not be taken for that of the next file."""
        for suffix in ("-wal", "-shm", ""):
            Path(self._path + suffix).unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                self._check_whole(error)
                raise TransientError(f"could not write the copy of the index at {self._path}: {error}") from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _opened(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    with _one_at_a_time(path), closing(db.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.executescript(_TABLES)
    return db


@contextmanager
def _one_at_a_time(path: str) -> Iterator[None]:
    """SQLite does not wait when two processes turn a new file to WAL at once."""
    if not path:
        yield
        return
    with Path(path + ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget(db: sqlite3.Connection, name: str) -> None:
    """An index object is gone; so are packs that no other one lists."""
    numbers = [number for (number,) in db.execute("SELECT number FROM listed WHERE object = ?", (name,))]
    db.execute("DELETE FROM listed WHERE object = ?", (name,))
    db.execute("DELETE FROM objects WHERE name = ?", (name,))
    for number in numbers:
        if db.execute("SELECT 1 FROM listed WHERE number = ? LIMIT 1", (number,)).fetchone() is None:
            db.execute("DELETE FROM chunks WHERE number = ?", (number,))
            db.execute("DELETE FROM packs WHERE number = ?", (number,))
