"""Tree blocks: what every path of a directory is, and where its bytes are (FORMAT 7)."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from schemas.errors import Damaged

FIRST, LAST = 1, 2
FILE, DIRECTORY, SYMLINK, HARDLINK, FIFO, CHARACTER, BLOCK = (ord(letter) for letter in "fdlhpcb")
KINDS = frozenset((FILE, DIRECTORY, SYMLINK, HARDLINK, FIFO, CHARACTER, BLOCK))
TARGET, DEVICE, XATTR, EXTENTS, LINKED = (ord(letter) for letter in "trxen")
_DESCRIBED = frozenset((SYMLINK, HARDLINK, CHARACTER, BLOCK))
TAGS = frozenset((TARGET, DEVICE, XATTR, EXTENTS, LINKED))

SIZE_MOST = 2**63 - 1

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_HEADER = struct.Struct("<HIIqI")
_RECORD = struct.Struct("<BHIIQQQQqqQIII")
_REF = struct.Struct("<32sI")
_COUNT = struct.Struct("<H")
_ATTRIBUTE = struct.Struct("<BI")
_EXTENT = struct.Struct("<QQ")

Ref = tuple[bytes, int]
"""A data chunk's id and length."""
Extent = tuple[int, int]
"""Start and length of data in a sparse file."""
Attribute = tuple[int, bytes]


class Record(NamedTuple):
    """A path, or a part of a large file."""

    kind: int
    mode: int
    uid: int
    gid: int
    size: int
    start: int
    length: int
    stored: int
    mtime: int  # nanoseconds
    ctime: int
    inode: int
    first: int
    offset: int
    extra: int

    def goes_on(self) -> bool:
        """Whether there is more of this file than in this record."""
        return self.kind == FILE and self.start + self.length < self.size


class Header(NamedTuple):
    """A directory itself."""

    mode: int
    uid: int
    gid: int
    mtime: int
    extra: int


class Damage(Damaged):
    """A block that breaks F16."""


@dataclass
class Block:
    """One block, decoded. `raw` is its encoding, its own length in front."""

    raw: bytes
    flags: int
    path: bytes
    header: Header
    records: list[Record]
    names: list[bytes]
    _table: bytes
    _extras: bytes

    @cached_property
    def table(self) -> list[Ref]:
        """The data chunks."""
        return list(_REF.iter_unpack(self._table))

    def chunks(self, record: Record) -> list[Ref]:
        """The chunks that a record's content is in."""
        if record.stored == 0:
            return []
        last, have = record.first, self.table[record.first][1] - record.offset
        while have < record.stored:
            last += 1
            have += self.table[last][1]
        return self.table[record.first : last + 1]

    def attributes(self, extra: int) -> list[Attribute]:
        """The attributes of a record or header."""
        return _attributes(self._extras, extra)

    def raw_attributes(self, extra: int) -> bytes:
        """The same, as they are encoded."""
        return self._extras[extra - 1 : _attributes_end(self._extras, extra)] if extra else b""

    def child(self, index: int) -> bytes:
        """The path of an entry, from the root."""
        return join(self.path, self.names[index])


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
    return list(_EXTENT.iter_unpack(value))


def encode_device(number: int) -> bytes:
    """The value of DEVICE and LINKED."""
    return _U64.pack(number)


def decode_device(value: bytes) -> int:
    """The inverse."""
    (number,) = _U64.unpack(value)
    return int(number)


class BlockBuilder:
    """Collects the entries of a directory's block."""

    def __init__(self, path: bytes, flags: int, header: Header, header_attributes: bytes) -> None:
        self._path, self._flags = path, flags
        self._names: list[bytes] = []
        self._records: list[bytes] = []
        self._table: list[Ref] = []
        self._extras: list[bytes] = []
        self._extras_length = 0
        self._header = header._replace(extra=self._extra(header_attributes))

    def add(self, name: bytes, record: Record, attributes: bytes, chunks: Sequence[Ref], offset: int) -> None:
        """One entry; `offset` is within the first of `chunks`. The record's own places are not looked at."""
        first = 0
        if chunks:
            table = self._table
            if table and table[-1] == chunks[0]:
                first = len(table) - 1
                table += chunks[1:]
            else:
                first = len(table)
                table += chunks
        extra = self._extra(attributes) if attributes else 0
        self._names.append(name)
        self._records.append(_RECORD.pack(*record[:11], first, offset, extra))

    def encode(self) -> bytes:
        """The block."""
        names = b"\0".join(self._names)
        table = b"".join(_REF.pack(*ref) for ref in self._table)
        body = b"".join(
            (
                bytes((self._flags,)),
                _U32.pack(len(self._path)),
                self._path,
                _HEADER.pack(*self._header),
                _U32.pack(len(self._records)),
                *self._records,
                _U32.pack(len(names)),
                names,
                _U32.pack(len(self._table)),
                table,
                _U32.pack(self._extras_length),
                *self._extras,
            )
        )
        return _U32.pack(len(body)) + body

    def _extra(self, attributes: bytes) -> int:
        if not attributes:
            return 0
        place = self._extras_length + 1
        self._extras.append(attributes)
        self._extras_length += len(attributes)
        return place


def decode(chunk: bytes) -> Iterator[Block]:
    """The blocks of a tree chunk. Raises Damaged (F16)."""
    at = 0
    while at < len(chunk):
        if at + 4 > len(chunk):
            raise Damage("a tree chunk is cut off")
        (length,) = _U32.unpack_from(chunk, at)
        end = at + 4 + length
        if end > len(chunk):
            raise Damage("a tree block is cut off")
        try:
            yield _block(chunk[at:end])
        except (struct.error, IndexError, ValueError) as error:
            raise Damage(f"a tree block cannot be read: {error}") from error
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
        return int(_U32.unpack(self.take(4))[0])


def _block(raw: bytes) -> Block:
    reader = _Reader(raw)
    (flags,) = reader.take(1)
    path = reader.take(reader.number())
    header = Header(*_HEADER.unpack(reader.take(_HEADER.size)))
    count = reader.number()
    records = [*map(Record._make, _RECORD.iter_unpack(reader.take(count * _RECORD.size)))]
    names_bytes = reader.take(reader.number())
    names = names_bytes.split(b"\0") if count else []
    table = reader.take(reader.number() * _REF.size)
    extras = reader.take(reader.number())
    if reader.at != len(raw) or len(names) != count or (not count and names_bytes):
        raise ValueError("its lengths do not add up")
    block = Block(raw, flags, path, header, records, names, table, extras)
    check(block)
    return block


def check(block: Block) -> None:
    """Raises ValueError for what F16 does not allow."""
    if block.flags & ~(FIRST | LAST):
        raise ValueError("unknown flags")
    if block.path and not _is_path(block.path):
        raise ValueError("an impossible path")
    extras, lengths = block._extras, [length for _, length in _REF.iter_unpack(block._table)]
    if block.header.extra:
        _attributes(extras, block.header.extra)
    last, last_start = b"", -1
    for name, record in zip(block.names, block.records, strict=True):
        kind, mode, _, _, size, start, length, stored, _, _, _, _, _, extra = record
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
            _check_file(record, lengths)
        elif stored or length or start:
            raise ValueError("content where none can be")
        if extra:
            _attributes_end(extras, extra)
        if extra or kind in _DESCRIBED:
            _check_attributes(record, _attributes(extras, extra))


def _is_path(path: bytes) -> bool:
    return b"\0" not in path and not any(part in (b"", b".", b"..") for part in path.split(b"/"))


def _check_file(record: Record, lengths: list[int]) -> None:
    _, _, _, _, size, start, length, stored, _, _, _, first, offset, extra = record
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


def _check_attributes(record: Record, attributes: list[Attribute]) -> None:
    tags = [tag for tag, _ in attributes]
    for tag in (TARGET, DEVICE, EXTENTS, LINKED):
        if tags.count(tag) > 1:
            raise ValueError("an attribute given twice")
    needed = {SYMLINK: TARGET, HARDLINK: TARGET, CHARACTER: DEVICE, BLOCK: DEVICE}.get(record.kind)
    if needed is not None and needed not in tags:
        raise ValueError("a link without target, or a device without number")
    for tag, value in attributes:
        if tag in (DEVICE, LINKED):
            _U64.unpack(value)
        elif tag == XATTR and b"\0" not in value:
            raise ValueError("an extended attribute without name")
        elif tag == TARGET and (not value or b"\0" in value):
            raise ValueError("an impossible target")
        elif tag == TARGET and record.kind == HARDLINK and not _is_path(value):
            raise ValueError("another name of something that is not in the tree")
        elif tag == EXTENTS:
            _check_extents(record, decode_extents(value))
    if record.kind == FILE and record.stored < record.length and EXTENTS not in tags:
        raise ValueError("a file with less content than it says")


def _check_extents(record: Record, extents: list[Extent]) -> None:
    at, total = record.start, 0
    for start, length in extents:
        if start < at or not length:
            raise ValueError("extents out of order")
        at, total = start + length, total + length
    if at > record.start + record.length or total != record.stored:
        raise ValueError("extents that do not add up")


def _attributes(extras: bytes, extra: int) -> list[Attribute]:
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


def _attributes_end(extras: bytes, extra: int) -> int:
    (count,) = _COUNT.unpack_from(extras, extra - 1)
    at = extra - 1 + _COUNT.size
    for _ in range(count):
        _, length = _ATTRIBUTE.unpack_from(extras, at)
        at += _ATTRIBUTE.size + length
    if at > len(extras):
        raise ValueError("an impossible attribute")
    return at
