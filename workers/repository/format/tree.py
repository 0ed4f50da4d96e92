"""Trees: what every path of a directory is, and where its bytes are (FORMAT 7)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

FIRST, LAST = 1, 2
FILE, DIRECTORY, SYMLINK, HARDLINK, FIFO, CHARACTER, BLOCK = (ord(letter) for letter in "fdlhpcb")
KINDS = frozenset((FILE, DIRECTORY, SYMLINK, HARDLINK, FIFO, CHARACTER, BLOCK))
TARGET, DEVICE, XATTR, EXTENTS, LINKED = (ord(letter) for letter in "trxen")
TAGS = frozenset((TARGET, DEVICE, XATTR, EXTENTS, LINKED))

_U64 = struct.Struct("<Q")
REF = struct.Struct("<32sI")
_COUNT = struct.Struct("<H")
_ATTRIBUTE = struct.Struct("<BI")
_EXTENT = struct.Struct("<QQ")

Ref = tuple[bytes, int]
"""A data chunk's id and length."""
Attribute = tuple[int, bytes]
"""A tag, and the value."""


class Extent(NamedTuple):
    """Data in a sparse file: where it starts, and its bytes."""

    start: int
    length: int

    def end(self) -> int:
        """Where it ends."""
        return self.start + self.length


class TreeEntry(NamedTuple):
    """A path, or a part of a large file."""

    kind: int
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0  # of the whole file
    start: int = 0
    length: int = 0
    stored: int = 0
    mtime: int = 0  # nanoseconds
    ctime: int = 0
    inode: int = 0
    first: int = 0
    offset: int = 0
    extra: int = 0

    def end(self) -> int:
        """How far into the file this describes it."""
        return self.start + self.length

    def goes_on(self) -> bool:
        """Whether there is more of this file than in this entry."""
        return self.kind == FILE and self.start + self.length < self.size


class Header(NamedTuple):
    """A directory itself."""

    mode: int
    uid: int
    gid: int
    mtime: int
    extra: int


@dataclass
class Block:
    """One block, decoded. `raw` is its encoding, its own length in front."""

    raw: bytes
    flags: int
    path: bytes
    header: Header
    entries: list[TreeEntry]
    names: list[bytes]
    raw_table: bytes
    extras: bytes

    @cached_property
    def table(self) -> list[Ref]:
        """The data chunks."""
        return list(REF.iter_unpack(self.raw_table))

    def chunks(self, entry: TreeEntry) -> list[Ref]:
        """The chunks that an entry's content is in."""
        if entry.stored == 0:
            return []
        last, have = entry.first, self.table[entry.first][1] - entry.offset
        while have < entry.stored:
            last += 1
            have += self.table[last][1]
        return self.table[entry.first : last + 1]

    def attributes(self, extra: int) -> list[Attribute]:
        """The attributes of an entry or header."""
        return attributes_at(self.extras, extra)

    def raw_attributes(self, extra: int) -> bytes:
        """The same, as they are encoded."""
        return self.extras[extra - 1 : attributes_end(self.extras, extra)] if extra else b""

    def child(self, index: int) -> bytes:
        """The path of an entry, from the root."""
        return join(self.path, self.names[index])


def parts_of(path: bytes) -> list[bytes]:
    """The names in a path. Directories sort by this in a tree."""
    return path.split(b"/") if path else []


def join(directory: bytes, name: bytes) -> bytes:
    """A path from the root."""
    return directory + b"/" + name if directory else name


def shown(path: bytes) -> str:
    """A path for a human; what is not UTF-8 or not printable is escaped."""
    text = path.decode("utf-8", "backslashreplace") or "."
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def encode_attributes(attributes: Sequence[Attribute]) -> bytes:
    """Empty for none."""
    if not attributes:
        return b""
    parts = [_COUNT.pack(len(attributes))]
    for tag, value in attributes:
        parts += (_ATTRIBUTE.pack(tag, len(value)), value)
    return b"".join(parts)


def encode_extents(extents: Sequence[Extent]) -> bytes:
    """The value of EXTENTS."""
    return b"".join(_EXTENT.pack(*extent) for extent in extents)


def decode_extents(value: bytes) -> list[Extent]:
    """The inverse."""
    return [Extent(*each) for each in _EXTENT.iter_unpack(value)]


def encode_device(number: int) -> bytes:
    """The value of DEVICE and LINKED."""
    return _U64.pack(number)


def decode_device(value: bytes) -> int:
    """The inverse."""
    (number,) = _U64.unpack(value)
    return int(number)


def attributes_at(extras: bytes, extra: int) -> list[Attribute]:
    """Decodes attributes. Raises ValueError or struct.error."""
    found: list[Attribute] = []
    if not extra:
        return found
    (count,) = _COUNT.unpack_from(extras, extra - 1)
    at = extra - 1 + _COUNT.size
    for _ in range(count):
        tag, length = _ATTRIBUTE.unpack_from(extras, at)
        at += _ATTRIBUTE.size
        if tag not in TAGS or at + length > len(extras):
            raise ValueError("an impossible attribute")
        found.append((tag, extras[at : at + length]))
        at += length
    return found


def attributes_end(extras: bytes, extra: int) -> int:
    """Where the attributes end. Raises ValueError or struct.error."""
    (count,) = _COUNT.unpack_from(extras, extra - 1)
    at = extra - 1 + _COUNT.size
    for _ in range(count):
        _, length = _ATTRIBUTE.unpack_from(extras, at)
        at += _ATTRIBUTE.size + length
    if at > len(extras):
        raise ValueError("an impossible attribute")
    return at
