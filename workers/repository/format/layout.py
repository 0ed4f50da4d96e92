"""Where the repository's objects are (FORMAT 2), and the numbers of the format."""

import secrets

FORMAT = 1

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
RECOVERY_SHOWN = "repository/recovery-shown"

MIB = 1024 * 1024
CHUNK_LEAST, CHUNK_NORMAL, CHUNK_MOST = MIB // 4, MIB, 4 * MIB
FINE_LEAST, FINE_NORMAL, FINE_MOST = MIB // 8, MIB // 4, MIB
"""Bytes of plaintext in a data chunk (FORMAT 8)."""
TREE_MOST = 16 * MIB
"""Bytes of plaintext in a tree chunk that a reader accepts."""
PACK_BYTES = 17 * MIB
"""A pack is finished when it has grown to this (F10)."""
PACK_MOST = 64 * MIB
"""Bytes of a pack that a reader accepts."""


def new_id() -> str:
    """A name that nobody has used before (F2)."""
    return secrets.token_hex(16)


def pack_key(pack: bytes) -> str:
    """Where a pack is kept."""
    name = pack.hex()
    return f"{PACKS}{name[:2]}/{name}"


def name_of(key: str) -> str:
    """The last part of a key."""
    return key.rpartition("/")[2]
