"""Seals small objects: zstd, then AES-256-GCM bound to the place where the bytes are kept (FORMAT 4)."""

import secrets

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Damaged
from workers.repository.format.keyring import Keys

NONCE, TAG = 12, 16
LEVEL = 3
LARGEST = 2**30
"""Bytes that a sealed object may hold (F9)."""


def seal(keys: Keys, plaintext: bytes, context: str) -> bytes:
    """Opens only with the same `context`, the object's key in the store (F8)."""
    nonce = secrets.token_bytes(NONCE)
    compressed = zstandard.ZstdCompressor(level=LEVEL).compress(plaintext)
    return nonce + AESGCM(keys.objects).encrypt(nonce, compressed, context.encode())


def unseal(keys: Keys, sealed: bytes, context: str) -> bytes:
    """Raises Damaged if the bytes, the key or the place are not those of `seal`."""
    try:
        compressed = AESGCM(keys.objects).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        return decompress(compressed, LARGEST, context)
    except (InvalidTag, ValueError) as error:
        raise Damaged(f"{context} is damaged: it does not decrypt ({type(error).__name__})") from error


def decompress(compressed: bytes, most: int, what: str) -> bytes:
    """At most `most` bytes (F9). Raises Damaged."""
    try:
        size = zstandard.frame_content_size(compressed)
        if not 0 <= size <= most:
            raise Damaged(f"{what} claims to hold {size} bytes; the bound is {most}")
        return zstandard.ZstdDecompressor().decompress(compressed, max_output_size=most)
    except zstandard.ZstdError as error:
        raise Damaged(f"{what} is damaged: it does not decompress") from error
