"""The master key: 32 random bytes, the subkeys derived from it, and its text for a human to keep (FORMAT 3)."""

import base64
from dataclasses import dataclass, field

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Invalid

MASTER = 32
CONTEXT = "snapline.dev 2026-11 repository "


@dataclass(frozen=True)
class Keys:
    """The subkeys. Two repositories with the same `identity` are the same."""

    data_ids: bytes = field(repr=False)
    tree_ids: bytes = field(repr=False)
    packs: bytes = field(repr=False)
    objects: bytes = field(repr=False)
    records: bytes = field(repr=False)
    seed: int = field(repr=False)
    identity: str
    plain_records: bool = False
    """Whether records that were never sealed are believed (F46)."""

    def id_of(self, kind: str, plaintext: bytes | memoryview) -> bytes:
        """The id of a chunk of kind `d` or `t`: nobody without the key can tell what is stored."""
        return blake3(plaintext, key=self.data_ids if kind == "d" else self.tree_ids).digest()

    def pack(self, pack: bytes) -> AESGCM:
        """The cipher of one pack (F7)."""
        return AESGCM(blake3(self.packs + pack, derive_key_context=CONTEXT + "pack").digest())


def derive(master: bytes, *, plain_records: bool = False) -> Keys:
    """All subkeys."""
    return Keys(
        data_ids=_subkey(master, "data ids"),
        tree_ids=_subkey(master, "tree ids"),
        packs=_subkey(master, "packs"),
        objects=_subkey(master, "objects"),
        records=_subkey(master, "records"),
        seed=int.from_bytes(_subkey(master, "cutting")[:8], "little") >> 2,
        identity=_subkey(master, "identity")[:16].hex(),
        plain_records=plain_records,
    )


def recovery_text(master: bytes) -> str:
    """The master key for a human to keep (F6): groups of base32, the last two a check sum."""
    text = base64.b32encode(master + _check_sum(master)).decode().rstrip("=")
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def from_recovery_text(text: str) -> bytes:
    """The inverse. Raises Invalid."""
    letters = "".join(text.upper().replace("-", "").split())
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raw = b""
    master, check_sum = raw[:MASTER], raw[MASTER:]
    if len(master) != MASTER or check_sum != _check_sum(master):
        raise Invalid("this is not a recovery text: a letter is wrong or missing")
    return master


def _subkey(master: bytes, purpose: str) -> bytes:
    return blake3(master, derive_key_context=CONTEXT + purpose).digest()


def _check_sum(master: bytes) -> bytes:
    return blake3(master, derive_key_context=CONTEXT + "recovery text").digest(8)
