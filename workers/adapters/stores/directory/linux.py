"""Two calls of Linux that Python lacks: a rename that replaces nothing, and asking a file server anew."""

import ctypes
import os
from functools import lru_cache

_RENAME_NOREPLACE = 1
_AT_EMPTY_PATH = 0x1000
_AT_STATX_FORCE_SYNC = 0x2000
_STATX_BASIC_STATS = 0x7FF
_STATX_SIZE = 256  # bytes of the struct


def rename_new(source_directory: int, source: str, directory: int, name: str) -> None:
    """Renames in one step, and only if `name` is free. Raises FileExistsError, and OSError (EINVAL, ENOSYS) where the
    file system cannot do it. https://man7.org/linux/man-pages/man2/rename.2.html"""
    call = getattr(_libc(), "renameat2", None)
    if call is None:
        raise OSError(38, "there is no renameat2 here")  # ENOSYS
    if call(source_directory, os.fsencode(source), directory, os.fsencode(name), _RENAME_NOREPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def refresh(directory: int) -> None:
    """Makes a file server say whether the directory has changed, so that what is looked up in it next is new.

    A client of NFS otherwise believes what it has seen for up to a minute. Where the call is missing, nothing happens.
    https://man7.org/linux/man-pages/man2/statx.2.html
    """
    call = getattr(_libc(), "statx", None)
    if call is not None:
        status = ctypes.create_string_buffer(_STATX_SIZE)
        call(directory, b"", _AT_EMPTY_PATH | _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS, status)


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
