"""The port `ObjectStore` on a directory: a mounted share, or a disk of this machine.

A body is written to a temporary file, brought to the disk, and only then given its name, in one step: no reader ever
sees half of an object, whoever is killed when. `create` gives the name by a hard link, which fails if the name is taken
and which NFS, too, does in one step (https://man7.org/linux/man-pages/man2/open.2.html, under O_EXCL). Where there
are no hard links (SMB, exFAT), it is a rename that replaces nothing. A lock file would do it anywhere, but one that is
left behind stops everybody, and an empty file made by O_EXCL would be seen before its body is there. So a
file system that can do neither is refused.

No path of a key leads out of the root, and no symbolic link below it is followed.
"""

import errno
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from schemas.destination import DirectoryDestination
from schemas.errors import Code, Invalid, TransientError
from workers.adapters.stores.directory.errors import meaning
from workers.adapters.stores.directory.linux import refresh, rename_new
from workers.adapters.stores.directory.names import directories_of, path_of
from workers.adapters.stores.directory.walk import names_in, open_directory, walk
from workers.ports import StoredObject

WRITING = ".writing"
"""Where the temporary files are. No key has this name: none begins with a dot."""
LEFT_BEHIND = 24 * 3600.0
"""Seconds after which a temporary file's writer is taken for dead."""
SWEEP_EVERY = 3600.0
"""Seconds from one look for temporary files that were left behind to the next."""
TRIES = 20
"""How often a write is tried whose directory others remove, being empty, at the same moment."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


class DirectoryObjectStore:
    """A directory below the destination's prefix. Safe for threads and for any number of processes and machines.
    What it makes has the permissions of the root directory, which must exist: an unmounted share is no empty store."""

    def __init__(
        self,
        destination: DirectoryDestination,
        *,
        hard_links: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hard_links=False` does without them from the beginning. `clock` is in seconds, from any moment."""
        self._root = destination.path
        self._place = f"directory {destination.path}"
        self._prefix = f"{destination.prefix}/" if destination.prefix else ""
        self._hard_links = hard_links
        self._clock = clock
        self._next_sweep = 0.0

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        *directories, name = self._path(key)
        with self._trying(f"read {key}"), self._opened(directories) as opened:
            file = os.open(name, _READ, dir_fd=opened[-1])
            try:
                return _read(file, start, length)
            finally:
                os.close(file)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._publish("write", key, body, _replace)

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        return self._publish("create", key, body, self._give_free_name)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port. Sorted by key."""
        whole = self._prefix + prefix
        above = whole[: whole.rfind("/") + 1]
        with self._trying(f"list {prefix}"), self._there(directories_of(above)) as opened:
            for key, status in walk(opened[-1], above.encode(), whole.encode()) if opened else ():
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredObject(key.removeprefix(self._prefix), status.st_size, modified, _etag(status))

    def names(self, prefix: str) -> Iterator[str]:
        """See the port. Sorted."""
        with self._trying(f"list {prefix}"), self._there(directories_of(self._prefix + prefix)) as opened:
            yield from names_in(opened[-1]) if opened else ()

    def delete(self, key: str) -> None:
        """See the port. Directories that are empty then go, too."""
        *directories, name = self._path(key)
        with self._trying(f"delete {key}"), self._there(directories) as opened, suppress(FileNotFoundError):
            if opened:
                os.unlink(name, dir_fd=opened[-1])
                os.fsync(opened[-1])
                _remove_empty(opened, directories)

    # --- writing

    def _publish(
        self, verb: str, key: str, body: bytes | bytearray, give_name: Callable[[int, str, int, str], bool]
    ) -> bool:
        """Gives the body its name; what `give_name` says."""
        *directories, name = self._path(key)
        with self._trying(f"{verb} {key}"), self._temporary(body) as (writing, temporary):
            for _ in range(TRIES):
                # A directory that another process removes, being empty, takes no file any more: make it anew.
                with suppress(FileNotFoundError), self._opened(directories, make=True) as opened:
                    won = give_name(writing, temporary, opened[-1], name)
                    os.fsync(opened[-1])  # of another's object, too: we say that it is there
                    return won
            text = f"could not {verb} {key}: others change its directory; try again"
            raise TransientError(text, place=self._place)

    def _give_free_name(self, writing: int, temporary: str, directory: int, name: str) -> bool:
        if self._hard_links:
            try:
                os.link(temporary, name, src_dir_fd=writing, dst_dir_fd=directory)
                return True
            except FileExistsError:
                # The answer may be to a repetition of our own request, whose first answer was lost.
                return os.stat(temporary, dir_fd=writing).st_nlink > 1
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
        try:
            rename_new(writing, temporary, directory, name)
            return True
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
                text = "this can be no destination: its file system has neither hard links nor a rename that replaces "
                raise Invalid(text + "nothing", code=Code.STORE_UNSUITABLE, place=self._place) from error
            raise

    @contextmanager
    def _temporary(self, body: bytes | bytearray) -> Iterator[tuple[int, str]]:
        """A file with the body, on the disk: its directory and its name. It is gone afterwards."""
        with self._opened([WRITING], make=True) as (root, writing):
            name = uuid.uuid4().hex
            file = os.open(name, _NEW, 0o600, dir_fd=writing)
            try:
                try:
                    _write(file, body, _mode(root) & 0o666)
                    written = os.fstat(file).st_mtime
                finally:
                    os.close(file)
                self._sweep(writing, written)
                yield writing, name
            finally:
                with suppress(OSError):
                    os.unlink(name, dir_fd=writing)

    def _sweep(self, writing: int, now: float) -> None:
        """Removes what dead writers have left. `now` is the file server's time, as the files' times are."""
        if self._clock() < self._next_sweep:
            return
        self._next_sweep = self._clock() + SWEEP_EVERY
        with os.scandir(writing) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < now - LEFT_BEHIND:
                        os.unlink(entry.name, dir_fd=writing)

    # --- finding the way

    def _path(self, key: str) -> Sequence[str]:
        return path_of(self._prefix + key)

    @contextmanager
    def _opened(self, directories: Sequence[str], *, make: bool = False) -> Iterator[Sequence[int]]:
        """Descriptors of the root and of each directory on the way. Raises FileNotFoundError, NotADirectoryError."""
        with ExitStack() as closing:
            opened = [self._open_root()]
            closing.callback(os.close, opened[0])
            for name in directories:
                parent = opened[-1]
                opened.append(_make(parent, name, _mode(opened[0])) if make else open_directory(name, parent))
                closing.callback(os.close, opened[-1])
            yield opened

    @contextmanager
    def _there(self, directories: Sequence[str]) -> Iterator[Sequence[int]]:
        """As `_opened`; nothing, where one of the directories is not there."""
        with ExitStack() as closing:
            try:
                opened: Sequence[int] = closing.enter_context(self._opened(directories))
            except (FileNotFoundError, NotADirectoryError):
                opened = ()
            yield opened

    def _open_root(self) -> int:
        try:
            root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            text = "there is no such directory here: is it mounted?"
            raise TransientError(text, code=Code.DESTINATION_INVALID, place=self._place) from error
        refresh(root)
        return root

    # --- errors

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            found = meaning(f"could not {what} in the object store", error)
            found.place = self._place
            raise found from error


def _etag(status: os.stat_result) -> str:
    """Every write makes another file."""
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"


def _replace(writing: int, temporary: str, directory: int, name: str) -> bool:
    os.rename(temporary, name, src_dir_fd=writing, dst_dir_fd=directory)
    return True


def _mode(directory: int) -> int:
    """Its permissions, and whether what is made in it gets its group."""
    return os.fstat(directory).st_mode & 0o2777


def _make(parent: int, name: str, mode: int) -> int:
    """Opens the directory, and makes it first if it is not there."""
    with suppress(FileNotFoundError):
        return open_directory(name, parent)
    with suppress(FileExistsError):
        os.mkdir(name, mode & 0o777, dir_fd=parent)
        os.fsync(parent)
    made = open_directory(name, parent)
    if _mode(made) != mode:  # for the umask
        with suppress(OSError):  # another's, who has just made it; or there are no permissions here
            os.fchmod(made, mode)
    return made


def _remove_empty(opened: Sequence[int], directories: Sequence[str]) -> None:
    """Removes the directories, the innermost first, as long as they are empty; `opened` are their parents."""
    with suppress(OSError):
        for parent, directory in reversed(list(zip(opened, directories, strict=False))):
            os.rmdir(directory, dir_fd=parent)


def _read(file: int, start: int, length: int | None) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(errno.ENOENT, "it is no file")
    end = status.st_size if length is None else min(start + length, status.st_size)
    parts = []
    while start < end:
        part = os.pread(file, end - start, start)
        if not part:
            raise OSError(errno.EIO, "it has become shorter")
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _write(file: int, body: bytes | bytearray, mode: int) -> None:
    if stat.S_IMODE(os.fstat(file).st_mode) != mode:
        with suppress(OSError):  # there are no permissions here
            os.fchmod(file, mode)
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)
