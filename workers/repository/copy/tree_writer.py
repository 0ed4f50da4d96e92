"""Tree blocks on their way: entries whose chunks are not known yet, then blocks, then tree chunks (FORMAT 7)."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from workers.repository.copy.stream import Stream
from workers.repository.format.ambient import Limits
from workers.repository.format.tree import FIRST, LAST, Block, BlockBuilder, Header, Record


@dataclass(slots=True)
class Known:
    """An entry taken over from the tree before."""

    name: bytes
    block: Block
    index: int


@dataclass(slots=True)
class Fresh:
    """An entry whose content, if it has any, begins at `begin` in the stream."""

    name: bytes
    record: Record
    attributes: bytes = b""
    begin: int = 0


@dataclass
class Pending:
    """A block in the making. `end` is the place in the stream that must be cut before it can be encoded."""

    path: bytes
    flags: int
    header: Header
    attributes: bytes
    entries: list[Known | Fresh] = field(default_factory=list)
    taken: Block | None = None  # in place of entries: all of this block's
    end: int = 0
    stored: int = 0

    @property
    def count(self) -> int:
        """How many entries it has."""
        return len(self.taken.names) if self.taken else len(self.entries)


class TreeWriter:
    """Takes the entries of directories in order; `finish` gives the ids of the tree chunks."""

    def __init__(
        self, stream: Stream, limits: Limits, write: Callable[[bytes], Future[bytes]], ids: list[bytes]
    ) -> None:
        self._stream, self._limits, self._write, self._ids = stream, limits, write, ids
        self._waiting: deque[Pending] = deque()
        self._entries = 0
        self._chunk = bytearray()
        self._chunks: list[Future[bytes]] = []
        self._open: Pending | None = None

    def begin(self, path: bytes, header: Header, attributes: bytes, *, first: bool) -> None:
        """A directory's block; not its first if an earlier slice has written that."""
        self._open = Pending(path, FIRST if first else 0, header, attributes)

    def add(self, entry: Known | Fresh) -> None:
        """The next entry of the directory."""
        pending, limits = self._the_open(), self._limits
        pending.entries.append(entry)
        self._entries += 1
        record = entry.block.records[entry.index] if isinstance(entry, Known) else entry.record
        pending.stored += record.stored
        count = len(pending.entries)
        if (
            count >= limits.block_entries_most
            or pending.stored >= limits.block_stored
            or (zlib.crc32(entry.name) % limits.block_entries == 0 and count > 1)
        ):
            self._begin_next(pending)
        self._bound()

    def add_block(self, block: Block, *, last: bool) -> None:
        """All entries of a block of the tree before, at the directory's begin or after another such block; `last` if
        no more follow."""
        pending = self._the_open()
        pending.taken = block
        self._entries += pending.count
        if not (last and block.flags & LAST):
            self._begin_next(pending)
        self._bound()

    def end(self, *, last: bool) -> None:
        """The block is complete; `last` if the directory is, too."""
        pending = self._the_open()
        self._open = None
        if last:
            pending.flags |= LAST
        pending.end = self._stream.length
        self._waiting.append(pending)
        self._drain(wait=False)

    def finish(self) -> list[bytes]:
        """All tree chunks, with those of earlier slices. The stream must be finished."""
        self._drain(wait=True)
        self._end_chunk()
        return self._ids + [chunk.result() for chunk in self._chunks]

    def _begin_next(self, pending: Pending) -> None:
        self.end(last=False)
        self._open = Pending(pending.path, 0, pending.header, pending.attributes)

    def _bound(self) -> None:
        if self._entries > self._limits.waiting_entries:
            self._stream.finish()
            self._drain(wait=True)

    def _the_open(self) -> Pending:
        if self._open is None:
            raise RuntimeError("no directory has begun")
        return self._open

    def _drain(self, *, wait: bool) -> None:
        """Encodes what can be; with `wait`, all that is cut."""
        limits = self._limits
        ready = self._stream.cut_length if wait else self._stream.ready_length()
        while self._waiting and self._waiting[0].end <= ready:
            pending = self._waiting.popleft()
            self._entries -= pending.count
            raw = self._encode(pending)
            self._chunk += raw
            cut_here = zlib.crc32(raw) * limits.tree_chunk < len(raw) << 32
            if cut_here or len(self._chunk) >= limits.tree_chunk_most:
                self._end_chunk()

    def _end_chunk(self) -> None:
        if self._chunk:
            self._chunks.append(self._write(bytes(self._chunk)))
            self._chunk = bytearray()

    def _encode(self, pending: Pending) -> bytes:
        block = pending.taken or _same_block(pending.entries)
        if block and _is_verbatim(pending, block):
            return block.raw
        builder = BlockBuilder(pending.path, pending.flags, pending.header, pending.attributes)
        for entry in _known(pending.taken) if pending.taken else pending.entries:
            if isinstance(entry, Known):
                record = entry.block.records[entry.index]
                attributes, chunks = entry.block.raw_attributes(record.extra), entry.block.chunks(record)
                offset = record.offset
            else:
                record, attributes, chunks, offset = entry.record, entry.attributes, [], 0
                if record.stored:
                    chunks, offset = self._stream.refs(entry.begin, record.stored)
            builder.add(entry.name, record, attributes, chunks, offset)
        return builder.encode()


def _known(block: Block) -> Iterator[Known]:
    return (Known(name, block, index) for index, name in enumerate(block.names))


def _same_block(entries: list[Known | Fresh]) -> Block | None:
    """The earlier block that the entries are all of, one by one."""
    if not entries or not isinstance(entries[0], Known):
        return None
    block = entries[0].block
    if len(entries) != len(block.records):
        return None
    for index, entry in enumerate(entries):
        if not isinstance(entry, Known) or entry.block is not block or entry.index != index:
            return None
    return block


def _is_verbatim(pending: Pending, block: Block) -> bool:
    """Whether the earlier block, whose entries these are, would be encoded as it was."""
    return (
        block.flags == pending.flags
        and block.path == pending.path
        and block.header._replace(extra=0) == pending.header._replace(extra=0)
        and block.raw_attributes(block.header.extra) == pending.attributes
    )
