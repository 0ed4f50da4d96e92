"""Compresses and encrypts byte strings: zstd, then AES-256-GCM bound to the place where the bytes are kept."""

import threading

import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Damaged
from workers.repository.keyring import NONCE, Keys

LEVEL = 3
LARGEST = 2**30
"""Bytes that anything unsealed may have; more is damage, not data."""

_local = threading.local()


def seal(keys: Keys, plaintext: bytes, context: str) -> bytes:
    """The same plaintext and context give the same bytes: the nonce is a keyed digest of both (see RFC 5297)."""
    place = context.encode()
    nonce = blake3(len(place).to_bytes(4, "big") + place + plaintext, key=keys.naming).digest(NONCE)
    return nonce + AESGCM(keys.encryption).encrypt(nonce, _compressor().compress(plaintext), place)


def unseal(keys: Keys, sealed: bytes, context: str) -> bytes:
    """Raises Damaged if the bytes, the key or the place are not those of `seal`."""
    try:
        compressed = AESGCM(keys.encryption).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        size = zstandard.frame_content_size(compressed)
        if not 0 <= size <= LARGEST:
            raise Damaged(f"{context} claims to hold {size} bytes; the bound is {LARGEST}")
        return zstandard.ZstdDecompressor().decompress(compressed, max_output_size=LARGEST)
    except (InvalidTag, ValueError, zstandard.ZstdError) as error:
        raise Damaged(f"{context} is damaged: it does not decrypt ({type(error).__name__})") from error


def _compressor() -> zstandard.ZstdCompressor:
    # A compressor must not be shared by threads.
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor
