"""How much room a mounted directory has, as its file system says; a bucket does not say."""

import os

from schemas.errors import TransientError
from workers.ports import Room


def file_system_room(path: str) -> Room:
    """What ordinary users may still write, and the whole. Raises TransientError where the directory does not answer."""
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise TransientError(f"could not ask how much room is in a directory: {error.strerror}", place=path) from error
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Room(free=free, total=used + free)
