"""How many bytes a volume has, roughly and soon: for people who wait for its copy."""

import os
from contextlib import suppress

from workers.repository.files.rooted import Rooted
from workers.repository.format.tree import join


def guess(source: Rooted, before: int, most_entries: int) -> int:
    """What the file system uses, if the volume is a whole one; else what its files say, if there are no more of them
    than `most_entries`; else the bytes of the copy `before`. 0 if nobody can tell soon."""
    with suppress(OSError):
        return max(before, _used(source) or (0 if before else _said(source, most_entries)))
    return before


def _used(source: Rooted) -> int:
    directory = source.directory(b"")
    if os.stat("..", dir_fd=directory).st_dev == os.fstat(directory).st_dev:
        return 0
    found = os.fstatvfs(directory)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _said(source: Rooted, most_entries: int) -> int:
    total, seen, left = 0, 0, [b""]
    with source.apart() as apart:
        while left:
            path = left.pop()
            with os.scandir(apart.directory(path)) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most_entries:
                        return 0
                    if entry.is_dir(follow_symlinks=False):
                        left.append(join(path, os.fsencode(entry.name)))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
