"""Opens what is a regular file, and nothing else: to open a device can do something by itself."""

import errno
import os
import stat
from types import TracebackType
from typing import Self

_NAMED = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class RegularFiles:
    """Use as a context manager, in one process.

    Whoever owns the files may swap in a device at any moment, so what is looked at is held, and then opened itself, by
    its place among the descriptors of this process.
    """

    def __init__(self) -> None:
        self._descriptors: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptors is not None:
            os.close(self._descriptors)

    def open(self, directory: int, name: bytes) -> int:
        """A descriptor to read from. Raises OSError; ENXIO if there is anything else by now."""
        if self._descriptors is None:
            self._descriptors = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held = os.open(name, _NAMED, dir_fd=directory)
        try:
            if not stat.S_ISREG(os.fstat(held).st_mode):
                raise OSError(errno.ENXIO, "it is no file any more")
            return os.open(b"%d" % held, _READ, dir_fd=self._descriptors)
        finally:
            os.close(held)
