"""Copies a directory tree into the repository, a slice at a time.

Files are read in path order. Small ones share chunks; a large one has chunks of its own, so that it deduplicates
against itself. A slice ends at a chunk boundary with a checkpoint: all entries so far, and how far the next file is.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import zstandard

from schemas.errors import Damaged
from workers.ports import CopySlice, ObjectStore, Progress
from workers.repository import tree, walking
from workers.repository.chunks import SIZE, ChunkWriter
from workers.repository.keyring import Keys
from workers.repository.tree import Entry, Tree

PROGRESS_EVERY = 0.25
"""Seconds."""
LARGEST_CHECKPOINT = 2**30


@dataclass
class State:
    """What a checkpoint holds. `partial` is the file in the midst of which the slice ended."""

    entries: list[Entry] = field(default_factory=list)
    partial: Entry | None = None
    scanned: int = 0
    changed: int = 0
    uploaded: int = 0
    files: int = 0
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Small:
    """Small files that wait to become one chunk."""

    data: bytearray = field(default_factory=bytearray)
    parts: list[tuple[Entry, int, int]] = field(default_factory=list)


class Copy:
    """One slice of copying `root`."""

    def __init__(
        self,
        root: Path,
        writer: ChunkWriter,
        known: dict[str, Entry],
        state: State,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        self._root, self._writer, self._known, self.state = root, writer, known, state
        self._stop, self._progress = stop, progress
        self._small = _Small()
        self._total = self._told = 0.0

    def run(self) -> bool:
        """True when the whole tree is copied; else `state` is the checkpoint."""
        warnings: list[str] = []
        listing = list(walking.walk(self._root, warnings.append))
        self._total = sum(entry.size for entry in listing)
        done = {entry.path for entry in self.state.entries}
        for entry in listing:
            if entry.path in done:
                continue
            if not self._take(entry) or (self._stop() and entry is not listing[-1]):
                self._flush()
                return False
        self._flush()
        self.state.warnings += [warning for warning in warnings if warning not in self.state.warnings]
        return True

    def _take(self, entry: Entry) -> bool:
        """Adds one entry; False if the slice ended before it was complete."""
        if entry.kind == "file":
            earlier = self._known.get(entry.path)
            if earlier is not None and earlier.unchanged(entry):
                entry.parts = earlier.parts
                self.state.scanned += entry.size
            elif not self._read(entry):
                return False
            self.state.files += 1
        self.state.entries.append(entry)
        self._report()
        return True

    def _read(self, entry: Entry) -> bool:
        try:
            file = os.open(self._root / entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self._lost(entry, f"could not be opened: {error.strerror}")
            return True
        try:
            return self._read_small(file, entry) if entry.size < SIZE else self._read_large(file, entry)
        except OSError as error:
            self._lost(entry, f"could not be read: {error.strerror}")
            return True
        finally:
            os.close(file)

    def _read_small(self, file: int, entry: Entry) -> bool:
        data = _read_up_to(file, entry.size)
        self._check_length(entry, len(data))
        if len(self._small.data) + len(data) > SIZE:
            self._flush()
        if data:
            self._small.parts.append((entry, len(self._small.data), len(data)))
            self._small.data += data
        self._count(len(data))
        return True

    def _read_large(self, file: int, entry: Entry) -> bool:
        """A file of its own chunks. Goes on where an earlier slice ended, if it is still the same file."""
        partial = self.state.partial
        if partial is not None and partial.path == entry.path and partial.unchanged(entry):
            entry.parts = partial.parts
        self.state.partial = None
        offset = sum(length for _, _, length in entry.parts)
        os.lseek(file, offset, os.SEEK_SET)
        while offset < entry.size:
            data = _read_up_to(file, min(SIZE, entry.size - offset))
            if not data:
                break
            entry.parts.append((self._writer.write(data), 0, len(data)))
            offset += len(data)
            self._count(len(data))
            self._report()
            if offset < entry.size and self._stop():
                self.state.partial = entry
                return False
        self._check_length(entry, offset)
        return True

    def _check_length(self, entry: Entry, length: int) -> None:
        now = os.lstat(self._root / entry.path)
        if length != entry.size or now.st_mtime_ns != entry.mtime or now.st_size != entry.size:
            self._warn(entry, "changed while it was read; the copy may be of several moments")
        entry.size = length

    def _flush(self) -> None:
        """Writes the small files that wait, and sees to it that all chunks are stored."""
        if self._small.parts:
            chunk = self._writer.write(bytes(self._small.data))
            for entry, offset, length in self._small.parts:
                entry.parts = [(chunk, offset, length)]
            self._small = _Small()

    def _lost(self, entry: Entry, why: str) -> None:
        self._warn(entry, f"{why}; it is empty in the copy")
        entry.size, entry.parts, entry.inode = 0, [], 0

    def _warn(self, entry: Entry, why: str) -> None:
        self.state.warnings.append(f"{entry.path}: {why}")

    def _count(self, length: int) -> None:
        self.state.scanned += length
        self.state.changed += length

    def _report(self) -> None:
        if time.monotonic() - self._told >= PROGRESS_EVERY:
            self._told = time.monotonic()
            self._progress(Progress(self.state.scanned, int(max(self._total, self.state.scanned)), self.state.files))


def copy(
    store: ObjectStore,
    keys: Keys,
    root: Path,
    *,
    known: dict[str, Entry],
    checkpoint: bytes | None,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
    commit: Callable[[Tree], str],
) -> CopySlice:
    """One slice. `known` are the entries of an earlier volume; `commit` stores the tree and names the volume."""
    state = _decode(checkpoint) if checkpoint else State()
    with ChunkWriter(store, keys) as writer:
        run = Copy(root, writer, known, state, stop, progress)
        complete = run.run()
        writer.flush()
        state.uploaded += writer.uploaded_bytes
    return CopySlice(
        volume=commit(Tree(state.entries)) if complete else None,
        checkpoint=None if complete else _encode(state),
        scanned_bytes=state.scanned,
        changed_bytes=state.changed,
        uploaded_bytes=state.uploaded,
        files=state.files,
        warnings=tuple(state.warnings),
    )


def _read_up_to(file: int, length: int) -> bytes:
    pieces = []
    while length > 0 and (piece := os.read(file, length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _encode(state: State) -> bytes:
    return zstandard.ZstdCompressor().compress(json.dumps(asdict(state)).encode())


def _decode(checkpoint: bytes) -> State:
    try:
        fields = json.loads(zstandard.ZstdDecompressor().decompress(checkpoint, max_output_size=LARGEST_CHECKPOINT))
        entries, partial = fields.pop("entries"), fields.pop("partial")
        state = State(**fields, entries=tree.decode(json.dumps(entries).encode()).entries)
        state.partial = tree.decode(json.dumps([partial]).encode()).entries[0] if partial else None
        return state
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"a checkpoint cannot be read: {type(error).__name__}; the copy begins again") from error
