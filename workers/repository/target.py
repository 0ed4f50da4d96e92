"""A directory that nothing can be written outside of, whatever the paths say.

Every path is walked from the root's descriptor, a part at a time, without following symlinks.
"""

import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.errors import Damaged

KEPT_OPEN = 64
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Target:
    """Use as a context manager. Not safe for threads."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[str, int] = OrderedDict()

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        os.close(self._root)

    def directory(self, path: str) -> int:
        """A descriptor of the directory `path`; "" is the root. Valid until the next call. Raises Damaged, OSError."""
        if not path:
            return self._root
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        parent, _, name = path.rpartition("/")
        above = self.directory(parent)
        try:
            descriptor = os.open(name, DIRECTORY, dir_fd=above)
        except NotADirectoryError as error:
            raise Damaged(f"{path!r:.200} is not a directory in the target") from error
        self._open[path] = descriptor
        while len(self._open) > KEPT_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return descriptor

    def within(self, path: str) -> tuple[int, str]:
        """The directory that holds `path`, and its name there."""
        parent, _, name = path.rpartition("/")
        return self.directory(parent), name

    def status(self, path: str) -> os.stat_result | None:
        """What is at `path`, not followed; None if nothing is."""
        if not path:
            return os.fstat(self._root)
        try:
            directory, name = self.within(path)
            return os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def names(self, path: str) -> list[str]:
        """What is in the directory `path`."""
        return os.listdir(self.directory(path))

    def remove(self, path: str) -> None:
        """Removes `path` and all below it."""
        status = self.status(path)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            directory, name = self.within(path)
            os.unlink(name, dir_fd=directory)
            return
        for name in self.names(path):
            self.remove(f"{path}/{name}")
        self._forget(path)
        directory, name = self.within(path)
        os.rmdir(name, dir_fd=directory)

    def make_directory(self, path: str) -> None:
        """A directory at `path`, only ours to read until its mode is set. What else is there is removed."""
        status = self.status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            return
        self.remove(path)
        directory, name = self.within(path)
        os.mkdir(name, 0o700, dir_fd=directory)

    @contextmanager
    def writing(self, path: str, *, fresh: bool) -> Iterator[int]:
        """A descriptor of the file at `path`; `fresh` replaces what is there."""
        if fresh:
            self.remove(path)
        directory, name = self.within(path)
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if fresh else 0)
        descriptor = os.open(name, flags, 0o600, dir_fd=directory)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _forget(self, path: str) -> None:
        for known in [each for each in self._open if each == path or each.startswith(f"{path}/")]:
            with suppress(OSError):
                os.close(self._open.pop(known))
