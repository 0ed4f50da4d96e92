"""A tree in the making: entries whose chunks are not known yet, then blocks, then tree chunks (FORMAT 7)."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from workers.repository.copy.stream import Stream
from workers.repository.format.ambient import Limits
from workers.repository.format.layout import TREE_MOST
from workers.repository.format.tree import FIRST, LAST, Block, Header, TreeEntry
from workers.repository.format.tree_encoder import BlockBuilder


@dataclass(slots=True)
class Taken:
    """An entry taken over from the parent's tree."""

    name: bytes
    block: Block
    index: int


@dataclass(slots=True)
class Fresh:
    """An entry whose content, if it has any, begins at `begin` in the stream."""

    name: bytes
    entry: TreeEntry
    attributes: bytes = b""
    begin: int = 0


@dataclass
class _Draft:
    """A block in the making. `end` is the place in the stream that must be cut before it can be encoded."""

    path: bytes
    flags: int
    header: Header
    attributes: bytes
    entries: list[Taken | Fresh] = field(default_factory=list)
    taken: Block | None = None  # in place of entries: all of this block's
    end: int = 0
    stored: int = 0
    extras: int = 0  # bytes of its path and of all attributes

    @property
    def count(self) -> int:
        """How many entries it has."""
        return len(self.taken.names) if self.taken else len(self.entries)


class TreeWriter:
    """Takes the entries of directories in order; `finish` gives the ids of the tree chunks."""

    def __init__(
        self, stream: Stream, limits: Limits, write: Callable[[bytes], Future[bytes]], ids: list[bytes]
    ) -> None:
        """`ids` are the tree chunks of earlier slices; `write` stores one more."""
        self._stream, self._limits, self._write, self._ids = stream, limits, write, ids
        self._waiting: deque[_Draft] = deque()
        self._entries = self._extras = 0
        self._chunk = bytearray()
        self._chunks: list[Future[bytes]] = []
        self._open: _Draft | None = None

    def begin(self, path: bytes, header: Header, attributes: bytes, *, first: bool) -> None:
        """A directory's block; not its first if an earlier slice has written that."""
        self._begin_draft(path, FIRST if first else 0, header, attributes)
        self._bound()

    def add(self, entry: Taken | Fresh) -> None:
        """The next entry of the directory."""
        draft, limits = self._the_open(), self._limits
        draft.entries.append(entry)
        self._entries += 1
        described = entry.block.entries[entry.index] if isinstance(entry, Taken) else entry.entry
        draft.stored += described.stored
        if extras := len(entry.block.raw_attributes(described.extra) if isinstance(entry, Taken) else entry.attributes):
            draft.extras += extras
            self._extras += extras
        count = len(draft.entries)
        if (
            count >= limits.block_entries_most
            or draft.stored >= limits.block_stored
            or draft.extras >= limits.block_attributes
            or (zlib.crc32(entry.name) % limits.block_entries == 0 and count > 1)
        ):
            self._begin_next(draft)
        self._bound()

    def add_block(self, block: Block, *, last: bool) -> None:
        """All entries of a block of the parent's tree, at the directory's beginning or after another such block; `last`
        if no more follow."""
        draft = self._the_open()
        draft.taken = block
        self._entries += draft.count
        if not (last and block.flags & LAST):
            self._begin_next(draft)
        self._bound()

    def end(self, *, last: bool) -> None:
        """The block is complete; `last` if the directory is, too."""
        draft = self._the_open()
        self._open = None
        if last:
            draft.flags |= LAST
        draft.end = self._stream.length
        self._waiting.append(draft)
        self._drain(wait=False)

    def finish(self) -> list[bytes]:
        """All tree chunks, with those of earlier slices. The stream must be finished."""
        self._drain(wait=True)
        self._end_chunk()
        return self._ids + [chunk.result() for chunk in self._chunks]

    def _begin_next(self, draft: _Draft) -> None:
        self.end(last=False)
        self._begin_draft(draft.path, 0, draft.header, draft.attributes)

    def _begin_draft(self, path: bytes, flags: int, header: Header, attributes: bytes) -> None:
        self._open = _Draft(path, flags, header, attributes, extras=len(path) + len(attributes))
        self._extras += self._open.extras

    def _bound(self) -> None:
        if self._entries > self._limits.waiting_entries or self._extras > self._limits.waiting_attributes:
            self._stream.finish()
            self._drain(wait=True)

    def _the_open(self) -> _Draft:
        if self._open is None:
            raise RuntimeError("no directory has begun")
        return self._open

    def _drain(self, *, wait: bool) -> None:
        """Encodes what can be; with `wait`, all that is cut."""
        limits = self._limits
        ready = self._stream.cut_length if wait else self._stream.ready_length()
        while self._waiting and self._waiting[0].end <= ready:
            draft = self._waiting.popleft()
            self._entries -= draft.count
            self._extras -= draft.extras
            raw = self._encode(draft)
            if len(self._chunk) + len(raw) > TREE_MOST:
                self._end_chunk()
            self._chunk += raw
            cut_here = zlib.crc32(raw) * limits.tree_chunk < len(raw) << 32
            if cut_here or len(self._chunk) >= limits.tree_chunk_most:
                self._end_chunk()

    def _end_chunk(self) -> None:
        if self._chunk:
            self._chunks.append(self._write(bytes(self._chunk)))
            self._chunk = bytearray()

    def _encode(self, draft: _Draft) -> bytes:
        block = draft.taken or _same_block(draft.entries)
        if block and _is_verbatim(draft, block):
            return block.raw
        builder = BlockBuilder(draft.path, draft.flags, draft.header, draft.attributes)
        for each in _all_of(draft.taken) if draft.taken else draft.entries:
            if isinstance(each, Taken):
                entry = each.block.entries[each.index]
                attributes, chunks = each.block.raw_attributes(entry.extra), each.block.chunks(entry)
                offset = entry.offset
            else:
                entry, attributes, chunks, offset = each.entry, each.attributes, [], 0
                if entry.stored:
                    chunks, offset = self._stream.refs(each.begin, entry.stored)
            builder.add(each.name, entry, attributes, chunks, offset)
        return builder.encode()


def _all_of(block: Block) -> Iterator[Taken]:
    return (Taken(name, block, index) for index, name in enumerate(block.names))


def _same_block(entries: list[Taken | Fresh]) -> Block | None:
    """The parent's block that the entries are all of, one by one."""
    if not entries or not isinstance(entries[0], Taken):
        return None
    block = entries[0].block
    if len(entries) != len(block.entries):
        return None
    for index, entry in enumerate(entries):
        if not isinstance(entry, Taken) or entry.block is not block or entry.index != index:
            return None
    return block


def _is_verbatim(draft: _Draft, block: Block) -> bool:
    """Whether the parent's block, whose entries these are, would be encoded as it was."""
    return (
        block.flags == draft.flags
        and block.path == draft.path
        and block.header._replace(extra=0) == draft.header._replace(extra=0)
        and block.raw_attributes(block.header.extra) == draft.attributes
    )
