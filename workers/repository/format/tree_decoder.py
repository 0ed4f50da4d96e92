"""Decodes tree chunks, and accepts nothing but what F16 allows (FORMAT 7)."""

import struct
from collections.abc import Iterator

from schemas.errors import Damaged
from workers.repository.format.tree import (
    BLOCK,
    CHARACTER,
    DEVICE,
    EXTENTS,
    FILE,
    FIRST,
    HARDLINK,
    KINDS,
    LAST,
    LINKED,
    REF,
    SYMLINK,
    TARGET,
    XATTR,
    Attribute,
    Block,
    Extent,
    Header,
    TreeEntry,
    attributes_at,
    attributes_end,
    decode_device,
    decode_extents,
)
from workers.repository.format.tree_encoder import ENTRY, HEADER, U32

SIZE_MOST = 2**63 - 1
_DESCRIBED = frozenset((SYMLINK, HARDLINK, CHARACTER, BLOCK))


def decode(chunk: bytes) -> Iterator[Block]:
    """The blocks of a tree chunk. Raises Damaged (F16)."""
    at = 0
    while at < len(chunk):
        if at + 4 > len(chunk):
            raise Damaged("a tree chunk is cut off")
        (length,) = U32.unpack_from(chunk, at)
        end = at + 4 + length
        if end > len(chunk):
            raise Damaged("a tree block is cut off")
        try:
            yield _block(chunk[at:end])
        except (struct.error, IndexError, ValueError) as error:
            raise Damaged(f"a tree block cannot be read: {error}") from error
        at = end


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise ValueError("it is cut off")
        self.at, start = end, self.at
        return self.data[start:end]

    def number(self) -> int:
        return int(U32.unpack(self.take(4))[0])


def _block(raw: bytes) -> Block:
    reader = _Reader(raw)
    (flags,) = reader.take(1)
    path = reader.take(reader.number())
    header = Header(*HEADER.unpack(reader.take(HEADER.size)))
    count = reader.number()
    entries = [*map(TreeEntry._make, ENTRY.iter_unpack(reader.take(count * ENTRY.size)))]
    names_bytes = reader.take(reader.number())
    names = names_bytes.split(b"\0") if count else []
    table = reader.take(reader.number() * REF.size)
    extras = reader.take(reader.number())
    if reader.at != len(raw) or len(names) != count or (not count and names_bytes):
        raise ValueError("its lengths do not add up")
    block = Block(raw, flags, path, header, entries, names, table, extras)
    check(block)
    return block


def check(block: Block) -> None:
    """Raises ValueError for what F16 does not allow."""
    if block.flags & ~(FIRST | LAST):
        raise ValueError("unknown flags")
    if block.path and not _is_path(block.path):
        raise ValueError("an impossible path")
    extras, lengths = block.extras, [length for _, length in REF.iter_unpack(block.raw_table)]
    if block.header.extra:
        attributes_at(extras, block.header.extra)
    last, last_start = b"", -1
    for name, entry in zip(block.names, block.entries, strict=True):
        kind, mode, _, _, size, start, length, stored, _, _, _, _, _, extra = entry
        if name <= last and (name != last or start <= last_start):
            raise ValueError("a name out of order")
        if b"/" in name or name in (b".", b"..", b""):
            raise ValueError("an impossible name")
        last, last_start = name, start
        if kind not in KINDS or mode > 0o7777:
            raise ValueError("an unknown kind or mode")
        if size > SIZE_MOST:
            raise ValueError("a file larger than files can be")
        if kind == FILE:
            _check_file(entry, lengths)
        elif stored or length or start:
            raise ValueError("content where none can be")
        if extra:
            attributes_end(extras, extra)
        if extra or kind in _DESCRIBED:
            _check_attributes(entry, attributes_at(extras, extra))


def _is_path(path: bytes) -> bool:
    return b"\0" not in path and not any(part in (b"", b".", b"..") for part in path.split(b"/"))


def _check_file(entry: TreeEntry, lengths: list[int]) -> None:
    _, _, _, _, size, start, length, stored, _, _, _, first, offset, extra = entry
    if start + length > size or stored > length:
        raise ValueError("a part of a file outside of it")
    if stored < length and not extra:
        raise ValueError("a file with less content than it says")
    if not stored:
        return
    if first >= len(lengths):
        raise ValueError("a chunk that is not in the table")
    have = lengths[first] - offset
    if have <= 0:
        raise ValueError("content that begins behind its chunk")
    while have < stored:
        first += 1
        if first >= len(lengths):
            raise ValueError("content that goes on behind the table")
        have += lengths[first]


def _check_attributes(entry: TreeEntry, attributes: list[Attribute]) -> None:
    tags = [tag for tag, _ in attributes]
    for tag in (TARGET, DEVICE, EXTENTS, LINKED):
        if tags.count(tag) > 1:
            raise ValueError("an attribute given twice")
    needed = {SYMLINK: TARGET, HARDLINK: TARGET, CHARACTER: DEVICE, BLOCK: DEVICE}.get(entry.kind)
    if needed is not None and needed not in tags:
        raise ValueError("a link without target, or a device without number")
    for tag, value in attributes:
        if tag in (DEVICE, LINKED):
            decode_device(value)
        elif tag == XATTR and b"\0" not in value:
            raise ValueError("an extended attribute without name")
        elif tag == TARGET and (not value or b"\0" in value):
            raise ValueError("an impossible target")
        elif tag == TARGET and entry.kind == HARDLINK and not _is_path(value):
            raise ValueError("another name of something that is not in the tree")
        elif tag == EXTENTS:
            _check_extents(entry, decode_extents(value))
    if entry.kind == FILE and entry.stored < entry.length and EXTENTS not in tags:
        raise ValueError("a file with less content than it says")


def _check_extents(entry: TreeEntry, extents: list[Extent]) -> None:
    at, total = entry.start, 0
    for start, length in extents:
        if start < at or not length:
            raise ValueError("extents out of order")
        at, total = start + length, total + length
    if at > entry.start + entry.length or total != entry.stored:
        raise ValueError("extents that do not add up")
