"""The records of jobs as they are kept (FORMAT 4): sealed, and bound to the key under which each is stored."""

from collections.abc import Callable

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Code, Damaged, Invalid
from workers.repository.format.master_key import Keys
from workers.repository.format.sealing import LEVEL, NONCE, decompress

MAGIC = b"SLRECD01"
RECORD_MOST = 2**28
"""Bytes of a record, sealed or not (F9)."""


def seal(keys: Keys, record: bytes, key: str, random_bytes: Callable[[int], bytes]) -> bytes:
    """What is kept at `key`. Raises Invalid for a record that nobody could read."""
    nonce = random_bytes(NONCE)
    compressed = zstandard.ZstdCompressor(level=LEVEL).compress(record)
    kept = MAGIC + nonce + AESGCM(keys.records).encrypt(nonce, compressed, MAGIC + key.encode())
    if (most := max(len(record), len(kept))) > RECORD_MOST:
        raise Invalid(f"the record {key} would have {most} bytes; at most {RECORD_MOST} are read")
    return kept


def unseal(keys: Keys, kept: bytes, key: str, *, plain: bool) -> bytes:
    """The record. With `plain`, what was never sealed is taken as it is (F46). Raises Damaged."""
    if not kept.startswith(MAGIC):
        if plain and kept.startswith(b"{"):
            return kept
        raise _refused(key, "it is not sealed, as every record of this repository is")
    nonce, sealed = kept[len(MAGIC) : len(MAGIC) + NONCE], kept[len(MAGIC) + NONCE :]
    try:
        compressed = AESGCM(keys.records).decrypt(nonce, sealed, MAGIC + key.encode())
    except (InvalidTag, ValueError):
        why = "it was changed, belongs under another key, or is another repository's"
        raise _refused(key, why) from None
    return decompress(compressed, RECORD_MOST, key)


def _refused(key: str, why: str) -> Damaged:
    return Damaged(f"the record {key} is not believed: {why}", code=Code.RECORD_NOT_AUTHENTIC, subject=key)
