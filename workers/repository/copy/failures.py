"""What a failure to read a path means: it went or changed meanwhile, as on any live volume, or content is missing."""

import errno

from workers.repository.copy.checkpoint import State
from workers.repository.files.path_info import Xattrs
from workers.repository.format.tree import join

REPLACED = frozenset((errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO))
"""Errors of opening what is a symlink, a directory or a socket by now, and was not when it was looked at."""

TOO_MANY_XATTRS = "has more extended attributes than the repository takes; {} of them are not copied"
APART = (
    "had the inode of a file that was copied before and is not at its name any more; if it was another name of that "
    "file, it is restored as one of its own"
)
CHANGED_SINCE = "changed after another name of it was copied; the copy has it as it was then"
MOUNTED = "is another file system, mounted there; what is in it is not copied"
TOO_DEEP = "is a directory too deep to be copied, nor is what is in it"


def is_passing(error: OSError) -> bool:
    """Whether the path was removed or replaced since it was looked at, so that there is nothing to copy any more."""
    return error.errno == errno.ENOENT or error.errno in REPLACED


def in_words(error: OSError) -> str:
    """Why a path was not read."""
    if error.errno == errno.ENOENT:
        return "vanished while it was copied"
    if error.errno in REPLACED:
        return "was replaced while it was copied"
    return f"could not be read: {error.strerror}"


def note(state: State, directory: bytes, name: bytes, error: OSError, *, more: str = "") -> None:
    """Remembers a path that was not read, or `more` of it: as a warning, or as unreadable."""
    tell = state.warn_of if is_passing(error) else state.lose
    tell(join(directory, name) if name else directory, in_words(error) + more)


def note_xattrs(state: State, directory: bytes, name: bytes, found: Xattrs) -> bool:
    """Remembers a path that has more extended attributes than are copied. True if it has."""
    if not found.left_out:
        return False
    state.lose(join(directory, name) if name else directory, TOO_MANY_XATTRS.format(found.left_out))
    return True
