"""What a restore has planned and not written yet: some thousand entries of the tree (FORMAT 11)."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from workers.repository.format import tree
from workers.repository.format.ambient import Limits
from workers.repository.format.tree import Attribute, Block, Extent, Header, TreeEntry, join


class Made(NamedTuple):
    """A file that a restore has made: its inode, and the user whom it belonged to at first."""

    inode: int
    uid: int


class FilePart:
    """An entry of a file, to be written. Attributes as in the tree; `made` is the file that was made for it.
    `lock` is held while its content is written: the kernel lets one thread at a time into a file, and the others would
    spin."""

    __slots__ = ("attributes", "entry", "failed", "lock", "made", "path")

    def __init__(self, path: bytes, entry: TreeEntry, attributes: list[Attribute]) -> None:
        self.path, self.entry, self.attributes = path, entry, attributes
        self.failed: str | None = None
        self.made: Made | None = None
        self.lock = threading.Lock()


class Piece(NamedTuple):
    """Bytes of a chunk, and where in a file they go."""

    part: FilePart
    at: int
    offset: int
    length: int


class SmallFile(NamedTuple):
    """A whole file within one chunk, with nothing out of the ordinary: most files are, so these are kept short."""

    directory: bytes
    name: bytes
    entry: TreeEntry


class OpenDirectory(NamedTuple):
    """A directory that is not complete yet: what it gets when it is."""

    path: bytes
    header: Header
    attributes: list[Attribute]
    made: bool


@dataclass
class Batch:
    """`smalls` and `pieces` are by the chunk that their bytes are in."""

    chunks: dict[bytes, tuple[list[SmallFile], list[Piece]]] = field(default_factory=dict)
    parts: list[FilePart] = field(default_factory=list)
    others: list[tuple[bytes, TreeEntry, list[Attribute]]] = field(default_factory=list)
    ended: list[OpenDirectory] = field(default_factory=list)
    lost: list[tuple[bytes, str]] = field(default_factory=list)
    """Files of which a part is not known any more, and why."""
    entries: int = 0
    content: int = 0  # bytes

    def full(self, limits: Limits) -> bool:
        """Whether it is time to write it."""
        return self.entries >= limits.batch_entries or self.content >= limits.batch_content

    def end(self, directory: OpenDirectory) -> None:
        """A directory that is complete once this batch is written."""
        self.ended.append(directory)
        self.entries += 1

    def add(self, block: Block, index: int, where: bytes | None = None) -> None:
        """An entry that is not a directory; it is written to `where`, or else to its own path."""
        entry = block.entries[index]
        self.entries += 1
        self.content += entry.stored
        if where is None and is_small(block, entry):
            small = SmallFile(block.path, block.names[index], entry)
            self._at(block.table[entry.first][0])[0].append(small)
            return
        attributes = block.attributes(entry.extra) if entry.extra else []
        if entry.kind == tree.FILE:
            self._add_part(FilePart(where or block.child(index), entry, attributes), block)
        else:
            self.others.append((where or block.child(index), entry, attributes))

    def link(self, path: bytes, entry: TreeEntry, first: bytes) -> None:
        """Another name of the file that is written to `first`."""
        self.entries += 1
        self.others.append((path, entry, [(tree.TARGET, first)]))

    def _add_part(self, part: FilePart, block: Block) -> None:
        self.parts.append(part)
        for id_, at, offset, length in pieces(block, part.entry, part.attributes):
            self._at(id_)[1].append(Piece(part, at, offset, length))

    def _at(self, id_: bytes) -> tuple[list[SmallFile], list[Piece]]:
        found = self.chunks.get(id_)
        if found is None:
            found = self.chunks[id_] = ([], [])
        return found


def is_small(block: Block, entry: TreeEntry) -> bool:
    """Whether an entry is a whole file in one chunk, without attributes."""
    stored = entry.stored
    return (
        entry.kind == tree.FILE
        and not entry.extra
        and 0 < stored == entry.size
        and entry.offset + stored <= block.table[entry.first][1]
    )


def part_of(small: SmallFile) -> FilePart:
    """The same as any other file."""
    return FilePart(join(small.directory, small.name), small.entry, [])


def pieces(block: Block, entry: TreeEntry, attributes: list[Attribute]) -> Iterator[tuple[bytes, int, int, int]]:
    """Chunk, place in the file, offset in the chunk and length of all content of an entry."""
    if not entry.stored:
        return
    extents = [Extent(entry.start, entry.stored)]
    for tag, value in attributes:
        if tag == tree.EXTENTS:
            extents = tree.decode_extents(value)
    number, offset = entry.first, entry.offset
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
