"""Small sealed objects: zstd, then AES-256-GCM bound to the place where the bytes are kept (FORMAT 4)."""

from dataclasses import dataclass, field

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Damaged
from workers.ports import ObjectStore
from workers.repository.format.ambient import Ambient
from workers.repository.format.master_key import Keys

NONCE, TAG = 12, 16
LEVEL = 3
ROOM = 1024
"""Bytes that an object is larger than its plaintext, at most, beside the 64th part of what does not compress."""


@dataclass(frozen=True)
class SealedStore:
    """An object store, the keys of the repository in it, and what the repository takes from its surroundings."""

    store: ObjectStore
    keys: Keys
    ambient: Ambient = field(default_factory=Ambient)

    def write(self, key: str, plaintext: bytes) -> None:
        """Stores an object that opens only at its key."""
        self.store.put(key, self.seal(plaintext, key))

    def read(self, key: str, most: int | None = None) -> bytes:
        """The plaintext of an object, of at most so many bytes; no more than that is fetched (F9). Raises NotFound,
        Damaged."""
        most = self.ambient.limits.sealed if most is None else most
        return self._unsealed(self.store.get(key, 0, most + most // 64 + ROOM), key, most)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Opens only with the same `context`, the object's key in the store (F8)."""
        nonce = self.ambient.random_bytes(NONCE)
        compressed = zstandard.ZstdCompressor(level=LEVEL).compress(plaintext)
        return nonce + AESGCM(self.keys.objects).encrypt(nonce, compressed, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Raises Damaged if the bytes, the key or the place are not those of `seal`."""
        return self._unsealed(sealed, context, self.ambient.limits.sealed)

    def _unsealed(self, sealed: bytes, context: str, most: int) -> bytes:
        try:
            compressed = AESGCM(self.keys.objects).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
            return decompress(compressed, most, context)
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
