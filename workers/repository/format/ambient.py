"""What a repository takes from its surroundings: limits, ages, the clock, random bytes and threads, as one value."""

import secrets
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from workers.repository.format.layout import MIB


class CutSizes(NamedTuple):
    """Bytes of a chunk: at least, usually, at most (FORMAT 8)."""

    least: int
    normal: int
    most: int


COARSE = CutSizes(MIB // 4, MIB, 4 * MIB)
FINE = CutSizes(MIB // 8, MIB // 4, MIB)


@dataclass(frozen=True)
class Limits:
    """Sizes that decide about speed and memory, not about what can be read back. In bytes, unless stated otherwise."""

    # cutting
    chunk: CutSizes = COARSE
    fine_chunk: CutSizes = FINE
    """For large files."""
    large_file: int = MIB
    """A file of this size begins with a chunk of its own, and is cut finely."""
    read: int = MIB
    """Read from a file at a time."""
    cut: int = 8 * MIB
    """Cut at a time: no less than two of the largest chunks."""
    segment: int = 256 * MIB
    """A large file has a tree entry for each of these."""
    guessed_entries: int = 10_000
    """Files that are looked at to tell how much there is before a first copy, at most: some hundredths of a second."""
    look_every: int = 64
    """Number of entries between two looks at whether the slice is to end."""

    # trees
    tree_chunk: int = MIB // 2
    """Usual size; the blocks decide where one ends (F17)."""
    tree_chunk_most: int = 4 * MIB
    block_entries: int = 512
    """Usual number of entries; the names decide where a block ends."""
    block_entries_most: int = 2048
    block_stored: int = 4096 * MIB
    """Content that a block describes, roughly; it bounds the number of chunks in its table."""
    block_attributes: int = 4 * MIB
    """Attributes in a block, roughly: this bounds a block, whatever its entries have (F31)."""
    waiting_attributes: int = 32 * MIB
    """Attributes in memory of entries whose chunks are not known yet."""
    waiting_entries: int = 32_768
    """Number of entries in memory whose chunks are not known yet; each takes some hundred bytes."""

    # objects
    pack: int = 17 * MIB
    """A pack is finished when it has grown to this (F10)."""
    packs_per_index_object: int = 64
    packs_per_prune: int = 256
    """Packs that are written anew before the old ones are deleted: so much is repeated if a prune is killed."""
    sealed: int = 2**30
    """A sealed object's plaintext, at most (F9)."""

    # restoring
    batch_entries: int = 16_384
    """Number of entries that are planned together, at most."""
    batch_content: int = 256 * MIB
    """Content that is planned together, about."""

    # keys
    scrypt_cost: int = 2**15
    """The N of new key records."""
    scrypt_memory: int = 2**30
    """What a key record may ask for (F9)."""


@dataclass(frozen=True)
class Graces:
    """How old things must be before they go. With `pack` at zero copies under way begin anew; the others must hold."""

    pack: timedelta = timedelta(hours=1)
    """Younger packs stay: a copy under way may be about to list or to use them."""
    orphan: timedelta = timedelta(days=1)
    """Volume records that no job refers to, and partial records, stay so long (F26)."""
    mark: timedelta = timedelta(days=30)


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def threads(count: int, name: str) -> Executor:
    """A pool of so many threads, named after their work."""
    return ThreadPoolExecutor(count, thread_name_prefix=name)


@dataclass(frozen=True)
class Ambient:
    """Given to a repository when it is opened; its rooms ask the machine for none of these themselves."""

    limits: Limits = field(default_factory=Limits)
    graces: Graces = field(default_factory=Graces)
    now: Callable[[], datetime] = utc_now
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    pool: Callable[[int, str], Executor] = threads

    def new_id(self) -> str:
        """A name that nobody has used before (F2)."""
        return self.random_bytes(16).hex()
