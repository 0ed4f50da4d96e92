"""Where the repository's objects are (FORMAT 2), and the format's own numbers."""

FORMAT = 2
"""Of the repository, as its key records say; from 2 on, records of jobs are sealed without exception (F46)."""
VOLUME_FORMAT = 1
"""Of volume records, in which nothing has changed."""

ROOT = "repository/"
KEYS = "repository/keys/"
FIRST_KEY = "repository/keys/first"
PACKS = "repository/packs/"
INDEX = "repository/index/"
VOLUMES = "repository/volumes/"
PARTIAL = "repository/partial/"
MARKS = "repository/marks/"
DAMAGE = "repository/damage/"
VERIFIED = "repository/verified/"
BALLAST = "repository/ballast"
BALLAST_BYTES = 64 * 1024
CLOCK = "repository/clock"
RECOVERY_SHOWN = "repository/recovery-shown"

MIB = 1024 * 1024
CHUNK_MOST = 4 * MIB
"""Bytes of plaintext in a data chunk that a reader accepts."""
TREE_MOST = 16 * MIB
"""Bytes of plaintext in a tree chunk that a reader accepts."""
PATH_MOST = 64 * 1024
"""Bytes of a directory's path that a writer accepts; the kernel takes no path of more than 4096 in one call."""
XATTRS_MOST = MIB
"""Bytes of the extended attributes of one path that a writer stores."""
PACK_MOST = 64 * MIB
"""Bytes of a pack that a reader accepts."""

INDEX_MOST = 64 * MIB
"""Bytes of plaintext of an index object."""
RECORD_MOST = 64 * MIB
"""Bytes of plaintext of a volume or partial record."""


def pack_key(pack: bytes) -> str:
    """Where a pack is kept."""
    name = pack.hex()
    return f"{PACKS}{name[:2]}/{name}"


def name_of(key: str) -> str:
    """The last part of a key."""
    return key.rpartition("/")[2]
