"""Encodes blocks of trees (FORMAT 7)."""

import struct
from collections.abc import Sequence

from workers.repository.format.tree import REF, Header, Ref, TreeEntry

U32 = struct.Struct("<I")
HEADER = struct.Struct("<HIIqI")
ENTRY = struct.Struct("<BHIIQQQQqqQIII")
PLACES = TreeEntry._fields.index("first")
"""From here on, the fields of an entry are places in its block."""


class BlockBuilder:
    """Collects the entries of a directory's block."""

    def __init__(self, path: bytes, flags: int, header: Header, header_attributes: bytes) -> None:
        self._path, self._flags = path, flags
        self._names: list[bytes] = []
        self._entries: list[bytes] = []
        self._table: list[Ref] = []
        self._extras: list[bytes] = []
        self._extras_length = 0
        self._header = header._replace(extra=self._extra(header_attributes))

    def add(self, name: bytes, entry: TreeEntry, attributes: bytes, chunks: Sequence[Ref], offset: int) -> None:
        """One entry; `offset` is within the first of `chunks`. The entry's own places are not looked at."""
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
        self._entries.append(ENTRY.pack(*entry[:PLACES], first, offset, extra))

    def encode(self) -> bytes:
        """The block."""
        names = b"\0".join(self._names)
        table = b"".join(REF.pack(*ref) for ref in self._table)
        body = b"".join(
            (
                bytes((self._flags,)),
                U32.pack(len(self._path)),
                self._path,
                HEADER.pack(*self._header),
                U32.pack(len(self._entries)),
                *self._entries,
                U32.pack(len(names)),
                names,
                U32.pack(len(self._table)),
                table,
                U32.pack(self._extras_length),
                *self._extras,
            )
        )
        return U32.pack(len(body)) + body

    def _extra(self, attributes: bytes) -> int:
        if not attributes:
            return 0
        place = self._extras_length + 1
        self._extras.append(attributes)
        self._extras_length += len(attributes)
        return place
