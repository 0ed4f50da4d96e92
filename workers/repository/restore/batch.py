"""What a restore has planned and not written yet: some thousand entries of the tree (FORMAT 11)."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from workers.repository.format import tree
from workers.repository.format.ambient import Limits
from workers.repository.format.tree import Attribute, Block, Header, Record, join


class Part:
    """A record of a file, to be written. Attributes as in the tree. `lock` is held while its content is written: the
    kernel lets one thread at a time into a file, and the others would spin."""

    __slots__ = ("attributes", "failed", "lock", "path", "record")

    def __init__(self, path: bytes, record: Record, attributes: list[Attribute]) -> None:
        self.path, self.record, self.attributes = path, record, attributes
        self.failed: str | None = None
        self.lock = threading.Lock()


class Piece(NamedTuple):
    """Bytes of a chunk, and where in a file they go."""

    part: Part
    at: int
    offset: int
    length: int


class Small(NamedTuple):
    """A whole file within one chunk, with nothing out of the ordinary: most files are, so these are kept short."""

    directory: bytes
    name: bytes
    record: Record


class Open(NamedTuple):
    """A directory that is not complete yet: what it gets when it is."""

    path: bytes
    header: Header
    attributes: list[Attribute]
    made: bool


@dataclass
class Window:
    """`smalls` and `pieces` are by the chunk that their bytes are in."""

    chunks: dict[bytes, tuple[list[Small], list[Piece]]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    others: list[tuple[bytes, Record, list[Attribute]]] = field(default_factory=list)
    ended: list[Open] = field(default_factory=list)
    lost: list[tuple[bytes, str]] = field(default_factory=list)
    """Files of which a part is not known any more, and why."""
    entries: int = 0
    content: int = 0  # bytes

    def full(self, limits: Limits) -> bool:
        """Whether it is time to write it."""
        return self.entries >= limits.batch_entries or self.content >= limits.batch_content

    def end(self, directory: Open) -> None:
        """A directory that is complete once this window is written."""
        self.ended.append(directory)
        self.entries += 1

    def add(self, block: Block, index: int) -> None:
        """An entry that is not a directory."""
        record = block.records[index]
        self.entries += 1
        self.content += record.stored
        if is_small(block, record):
            small = Small(block.path, block.names[index], record)
            self._at(block.table[record.first][0])[0].append(small)
            return
        attributes = block.attributes(record.extra) if record.extra else []
        if record.kind == tree.FILE:
            self._add_part(Part(block.child(index), record, attributes), block)
        else:
            self.others.append((block.child(index), record, attributes))

    def _add_part(self, part: Part, block: Block) -> None:
        self.parts.append(part)
        for id_, at, offset, length in pieces(block, part.record, part.attributes):
            self._at(id_)[1].append(Piece(part, at, offset, length))

    def _at(self, id_: bytes) -> tuple[list[Small], list[Piece]]:
        found = self.chunks.get(id_)
        if found is None:
            found = self.chunks[id_] = ([], [])
        return found


def is_small(block: Block, record: Record) -> bool:
    """Whether a record is a whole file in one chunk, without attributes."""
    stored = record.stored
    return (
        record.kind == tree.FILE
        and not record.extra
        and 0 < stored == record.size
        and record.offset + stored <= block.table[record.first][1]
    )


def part_of(small: Small) -> Part:
    """The same as any other file."""
    return Part(join(small.directory, small.name), small.record, [])


def pieces(block: Block, record: Record, attributes: list[Attribute]) -> Iterator[tuple[bytes, int, int, int]]:
    """Chunk, place in the file, offset in the chunk and length of all content of a record."""
    if not record.stored:
        return
    extents = [(record.start, record.stored)]
    for tag, value in attributes:
        if tag == tree.EXTENTS:
            extents = tree.decode_extents(value)
    number, offset = record.first, record.offset
    table = block.table
    for start, length in extents:
        done = 0
        while done < length:
            id_, size = table[number]
            taken = min(length - done, size - offset)
            if taken > 0:
                yield id_, start + done, offset, taken
            done, offset = done + taken, offset + taken
            if offset >= size:
                number, offset = number + 1, 0
