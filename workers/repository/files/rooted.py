"""A directory outside of which nothing is ever reached, whatever the paths say.

Every path is walked from the root's descriptor, a part at a time, without following symlinks: whoever owns the files
may swap a directory for a symlink at any moment.
"""

import errno
import os
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import TransientError
from workers.repository.format.tree import join

KEPT_OPEN = 64
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

AWAY = frozenset(
    (errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE)
)
"""Errors that are not about one file: the file system is away, or this process has too many files open."""


def check_there(path: bytes, error: OSError) -> None:
    """Raises TransientError unless `error` is about `path` alone."""
    if error.errno in AWAY or not path:
        raise TransientError(f"the files of the volume cannot be reached: {error.strerror}") from error


class Rooted:
    """Use as a context manager. Not safe for threads."""

    def __init__(self, root: Path) -> None:
        """Raises TransientError if `root` is not there: the volume may just be mounted or unmounted."""
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            check_there(b"", error)
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._device = os.fstat(self._root).st_dev

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of all directories."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        os.close(self._root)

    def directory(self, path: bytes) -> int:
        """A descriptor of the directory `path`; b"" is the root. Valid until the next call. Raises OSError."""
        known = path
        while known and known not in self._open:
            known = known.rpartition(b"/")[0]
        descriptor = self._root
        if known:
            self._open.move_to_end(known)
            descriptor = self._open[known]
        for name in path[len(known) :].split(b"/"):
            if name:
                _refuse_dots(name)
                known = join(known, name)
                descriptor = self._remember(known, os.open(name, DIRECTORY, dir_fd=descriptor))
        return descriptor

    def is_other_mount(self, directory: os.stat_result) -> bool:
        """Whether a directory below the root is of another file system, which is mounted there."""
        return directory.st_dev != self._device

    def is_mounted_apart(self, directory: int, status: os.stat_result) -> bool:
        """The same of an open directory, with its `status`. A subvolume of the volume's own file system has a device of
        its own, too, but is of the same mount: it is the volume's."""
        return self.is_other_mount(status) and _mount(directory) != _mount(self._root)

    def within(self, path: bytes) -> tuple[int, bytes]:
        """The directory that holds `path`, and its name there. The root is `.` in itself."""
        parent, _, name = path.rpartition(b"/")
        _refuse_dots(name)
        return self.directory(parent), name or b"."

    def open(self, path: bytes, flags: int) -> int:
        """A descriptor of `path` itself, never of what a symlink there points to. Raises OSError."""
        directory, name = self.within(path)
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)

    def lstat(self, path: bytes) -> os.stat_result:
        """What is at `path`. Raises OSError."""
        directory, name = self.within(path)
        return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def apart(self) -> "Rooted":
        """The same root, with descriptors of its own: a directory that is open here already is not seen to go."""
        return Rooted(Path(f"/proc/self/fd/{self._root}"))

    def status_apart(self, path: bytes) -> os.stat_result | None:
        """What is at `path`, None if nothing can be found there. The descriptor of `directory` stays valid."""
        try:
            with self.apart() as apart:
                return apart.lstat(path)
        except OSError as error:
            check_there(path, error)
            return None

    def names(self, path: bytes) -> list[bytes]:
        """What is in the directory `path`, sorted. Raises OSError."""
        return sorted(map(os.fsencode, os.listdir(self.directory(path))))

    def forget(self, path: bytes) -> None:
        """Lets go of the directory `path` and of all below it, because it will be replaced."""
        for known in [each for each in self._open if each == path or each.startswith(path + b"/")]:
            os.close(self._open.pop(known))

    def _remember(self, path: bytes, descriptor: int) -> int:
        self._open[path] = descriptor
        while len(self._open) > KEPT_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return descriptor


def _refuse_dots(name: bytes) -> None:
    if name in (b".", b".."):
        raise OSError(errno.EINVAL, "`.` and `..` are no names")


def _mount(file: int) -> str:
    """The id of the mount by which a descriptor was opened; see proc_pid_fdinfo(5). Raises OSError."""
    lines = Path(f"/proc/self/fdinfo/{file}").read_text().splitlines()
    return next(line for line in lines if line.startswith("mnt_id:"))
