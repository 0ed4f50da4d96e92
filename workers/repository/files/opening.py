"""Opens what is a regular file, and nothing else: to open a device can do something by itself."""

import errno
import os
import stat

_NAMED = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(directory: int, name: bytes) -> int:
    """A descriptor to read from. Raises OSError; ENXIO if there is anything else by now.

    Whoever owns the files may swap in a device at any moment, so what is looked at is held, and then opened itself.
    """
    held = os.open(name, _NAMED, dir_fd=directory)
    try:
        if not stat.S_ISREG(os.fstat(held).st_mode):
            raise OSError(errno.ENXIO, "it is no file any more")
        return os.open(b"/proc/self/fd/%d" % held, _READ)
    finally:
        os.close(held)
