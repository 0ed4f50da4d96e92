"""Packs: many sealed chunks in one object, with a footer that says what is where (FORMAT 5)."""

import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from schemas.errors import Damaged, Invalid, NotFound
from workers.ports import ObjectStore
from workers.repository.format.layout import CHUNK_MOST, PACK_MOST, TREE_MOST, pack_key
from workers.repository.format.master_key import Keys
from workers.repository.format.sealing import NONCE, TAG, decompress

MAGIC = b"SLPACK01"
RAW, ZSTD = 0, 1
ID = 32

_ENTRY = struct.Struct("<32sIIIB")
_HEAD = struct.Struct("<cI")
_LENGTH = struct.Struct("<I")
_TRAILER = _LENGTH.size + len(MAGIC)


class PackEntry(NamedTuple):
    """One chunk in a pack. `stored` bytes from `offset` are the sealed chunk, `length` its plaintext's bytes."""

    id: bytes
    offset: int
    stored: int
    length: int
    method: int


class Pack(NamedTuple):
    """What a pack holds; `size` is the whole object's."""

    id: bytes
    kind: str
    size: int
    entries: list[PackEntry]


class ChunkPlace(NamedTuple):
    """Where a chunk is: one of the packs that have it, and what that says of it."""

    pack: bytes
    entry: PackEntry


class PackBuilder:
    """A pack in the making. Not safe for threads."""

    def __init__(self, keys: Keys, kind: str, id_: bytes) -> None:
        """`id_` are 16 bytes that no pack has been named by (F2)."""
        self.id, self.kind = id_, kind
        self._cipher = keys.pack(self.id)
        self._body = bytearray()
        self.entries: list[PackEntry] = []

    def add(self, id_: bytes, method: int, payload: bytes | memoryview, length: int) -> None:
        """One chunk, compressed as `method` says. Raises Invalid for one that no reader would accept (F31)."""
        if length > most_of(self.kind):
            raise Invalid(f"a chunk of {length} bytes is too large to be stored; the bound is {most_of(self.kind)}")
        offset = len(self._body)
        aad = id_ + _LENGTH.pack(length) + bytes([method])
        self._body += self._cipher.encrypt(_nonce(offset), payload, aad)
        self.entries.append(PackEntry(id_, offset, len(self._body) - offset, length, method))

    def size(self) -> int:
        """Bytes so far."""
        return len(self._body)

    def finish(self) -> tuple[Pack, bytearray]:
        """What is in it, and the object's bytes. Add nothing afterwards."""
        offset = len(self._body)
        plain = _HEAD.pack(self.kind.encode(), len(self.entries)) + encode_entries(self.entries)
        sealed = self._cipher.encrypt(_nonce(offset), plain, b"footer")
        self._body += sealed + _LENGTH.pack(len(sealed)) + MAGIC
        return Pack(self.id, self.kind, len(self._body), self.entries), self._body


def most_of(kind: str) -> int:
    """Bytes of plaintext that a chunk of kind `d` or `t` has at most."""
    return CHUNK_MOST if kind == "d" else TREE_MOST


def encode_entries(entries: list[PackEntry]) -> bytes:
    """As in footers and index objects."""
    return b"".join(_ENTRY.pack(*entry) for entry in entries)


def decode_entries(data: bytes | memoryview, size: int) -> list[PackEntry]:
    """The inverse, for a pack of `size` bytes. Raises Damaged. Chunks that are too large are among them: each of them
    hurts who reads it, and nobody else (F31)."""
    if len(data) % _ENTRY.size:
        raise Damaged("a list of chunks is cut off")
    entries = [PackEntry(*fields) for fields in _ENTRY.iter_unpack(data)]
    for entry in entries:
        if entry.offset + entry.stored > size or entry.stored < TAG or entry.method > ZSTD:
            raise Damaged(f"a list of chunks has an impossible one: {entry[1:]}")
    return entries


ENTRY_SIZE = _ENTRY.size


class Opened(NamedTuple):
    """A chunk: what it holds, and that compressed as its method says."""

    plain: bytes
    payload: bytes


def open_chunk(keys: Keys, kind: str, pack: bytes, entry: PackEntry, sealed: bytes | memoryview) -> bytes:
    """The plaintext of one sealed chunk. Raises Damaged (F8, F9)."""
    return open_both(keys, kind, pack, entry, sealed).plain


def open_both(keys: Keys, kind: str, pack: bytes, entry: PackEntry, sealed: bytes | memoryview) -> Opened:
    """As `open_chunk`, for who stores it elsewhere: it need not be compressed again."""
    what = f"chunk {entry.id.hex()} in pack {pack.hex()}"
    if len(sealed) != entry.stored:
        raise Damaged(f"{what} is cut off: {len(sealed)} of {entry.stored} bytes")
    if entry.length > most_of(kind):
        raise Damaged(f"{what} has {entry.length} bytes; the bound is {most_of(kind)}")
    aad = entry.id + _LENGTH.pack(entry.length) + bytes([entry.method])
    try:
        payload = keys.pack(pack).decrypt(_nonce(entry.offset), sealed, aad)
    except InvalidTag:
        raise Damaged(f"{what} is damaged: it does not decrypt") from None
    plain = payload if entry.method == RAW else decompress(payload, entry.length, what)
    if len(plain) != entry.length or keys.id_of(kind, plain) != entry.id:
        raise Damaged(f"{what} holds other data than its id says")
    return Opened(plain, payload)


def read_pack(store: ObjectStore, keys: Keys, pack: bytes, size: int) -> Pack:
    """What a pack of `size` bytes says that it holds (F11). Raises NotFound, Damaged."""
    what = f"pack {pack.hex()}"
    if not _TRAILER < size <= PACK_MOST:
        raise Damaged(f"{what} has {size} bytes, which no pack has")
    trailer = store.get(pack_key(pack), size - _TRAILER, _TRAILER)
    if len(trailer) != _TRAILER or trailer[_LENGTH.size :] != MAGIC:
        raise Damaged(f"{what} has no footer")
    (length,) = _LENGTH.unpack_from(trailer)
    offset = size - _TRAILER - length
    if offset < 0 or length < TAG + _HEAD.size:
        raise Damaged(f"{what} has a footer of impossible length")
    try:
        plain = keys.pack(pack).decrypt(_nonce(offset), store.get(pack_key(pack), offset, length), b"footer")
    except InvalidTag:
        raise Damaged(f"{what} has a damaged footer") from None
    kind, count = _HEAD.unpack_from(plain)
    kind = kind.decode("latin-1")
    if kind not in ("d", "t"):
        raise Damaged(f"{what} is of an unknown kind")
    entries = decode_entries(memoryview(plain)[_HEAD.size :], size)
    if len(entries) != count:
        raise Damaged(f"{what} has a footer that disagrees with itself")
    return Pack(pack, kind, size, entries)


def exists(store: ObjectStore, pack: bytes) -> bool:
    """Whether the object is there."""
    try:
        store.get(pack_key(pack), 0, 1)
    except NotFound:
        return False
    return True


def _nonce(offset: int) -> bytes:
    return offset.to_bytes(NONCE, "little")
