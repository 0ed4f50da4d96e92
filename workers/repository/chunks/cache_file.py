"""An SQLite file that is only a cache, shared by threads and processes: what is damaged in it is thrown away."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from schemas.errors import TransientError

CACHE_KIB = 16 * 1024


class CacheFile:
    """Safe for threads. `path` "" is a temporary file."""

    def __init__(self, path: str, tables: str) -> None:
        """`tables` is the SQL that makes them where they are not. Raises TransientError."""
        self._path, self._tables = path, tables
        self._lock = threading.RLock()
        self._db = self._connect()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Raises TransientError for a damaged file, which is then gone."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.DatabaseError as error:
                self._check_whole(error)
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises TransientError."""
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

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._db.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return _opened(self._path, self._tables)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not self._path:
                raise TransientError(f"could not open the copy of the index at {self._path}: {error}") from error
            self._throw_away()
            return _opened(self._path, self._tables)

    def _check_whole(self, error: sqlite3.Error) -> None:
        if self._path and type(error) is sqlite3.DatabaseError:  # its subclasses say other things
            self._throw_away()
            what = f"the copy of the index at {self._path} is damaged ({error}) and was deleted"
            raise TransientError(f"{what}; the next try reads the index anew") from error

    def _throw_away(self) -> None:
        """The log goes first: it must not be taken for that of the next file."""
        for suffix in ("-wal", "-shm", ""):
            Path(self._path + suffix).unlink(missing_ok=True)

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _opened(path: str, tables: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    with _one_at_a_time(path), closing(db.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.executescript(tables)
    return db


@contextmanager
def _one_at_a_time(path: str) -> Iterator[None]:
    """SQLite does not wait when two processes switch a new file to WAL at once."""
    if not path:
        yield
        return
    with Path(path + ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
