"""How the C library keeps memory for this process."""

import ctypes
from functools import cache

from workers.repository.format.layout import MIB

OPTIONS = {
    -3: 6 * MIB,  # M_MMAP_THRESHOLD: larger blocks go back to the system when they are freed
    -1: 16 * MIB,  # M_TRIM_THRESHOLD: of smaller ones so much is kept
    -8: 4,  # M_ARENA_MAX: heaps that threads share
}
"""mallopt(3)"""


@cache
def keep_memory_small() -> None:
    """Sets OPTIONS for the whole process; does nothing where the C library has none.

    By itself glibc raises the first to what was freed last, at most 32 MiB. Packs and windows then come from heaps, up
    to eight for each core, that keep their holes: a copy takes 290 MiB rather than 210. The second by itself is so low
    that the same pages are given back and asked for again, which costs a restore a tenth of its time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in OPTIONS.items():
            mallopt(option, value)
