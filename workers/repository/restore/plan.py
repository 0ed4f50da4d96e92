"""Writes a volume's files into a directory, along the tree (FORMAT 11).

Directories are made, and what is not in the volume is removed, as the tree is read; all else is planned, and written a
batch at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from schemas.errors import Damaged
from workers.ports import Progress
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.files import metadata, path_info
from workers.repository.format import tree
from workers.repository.format.tree import Block, TreeEntry, join
from workers.repository.format.volume_record import Volume
from workers.repository.restore.batch import Batch, OpenDirectory
from workers.repository.restore.batch_writer import BatchWriter, batch_writer
from workers.repository.restore.outcome import Outcome, Reached

Wanted = Callable[[bytes], bool]


class Restore:
    """One slice. `reached` is changed as it goes."""

    def __init__(
        self,
        view: View,
        volume: Volume,
        target: Path,
        reached: Reached,
        *,
        wanted: Wanted | None,
        elsewhere: Mapping[bytes, bytes],
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        """With `wanted` only those paths are restored, and nothing is removed. A file that is not wanted itself, but
        another name of it is, is written there: `elsewhere` says where, by its first name."""
        self._view, self._volume, self._reached = view, volume, reached
        self._wanted, self._elsewhere, self._stop = wanted, elsewhere, stop
        self._written_elsewhere: set[bytes] = set()
        self._outcome = Outcome(target, reached, volume.scanned_bytes, progress)
        self._limits = view.ambient.limits
        self._batch = Batch()
        self._existing: list[bytes] = []
        self._made = False
        self._last: Block | None = None
        self._gap = False

    def run(self) -> bool:
        """True when all is written."""
        try:
            with batch_writer(self._view, self._outcome) as writer:
                complete = self._run(writer)
                writer.wait()
                return complete
        finally:
            self._outcome.close()

    def _run(self, writer: BatchWriter) -> bool:
        if self._reached.position != (0, 0, 0) and self._reached.open:
            self._go_on(self._reached.open[-1].path)
        for chunk, number, block, begin in self._blocks():
            if self._gap:
                self._go_on_after_gap(block)
            elif block.flags & tree.FIRST and not begin:
                self._begin_directory(block)
            self._last = block
            for index in range(begin, len(block.names)):
                self._plan(block, index)
                if self._batch.full(self._limits) and not self._hand_over(writer):
                    self._reached.position, self._reached.name = (chunk, number, index + 1), block.names[index]
                    self._reached.partial = block.entries[index].goes_on()
                    return False
            if block.flags & tree.LAST and not self._made:
                self._make_way(block.path, None, None)
        self._end_directories(None)
        writer.put(self._batch)
        return True

    def _hand_over(self, writer: BatchWriter) -> bool:
        """Hands the batch over. False if the slice is to end."""
        writer.put(self._batch)
        self._batch = Batch()
        return not self._stop()

    def _blocks(self) -> Iterator[tuple[int, int, Block, int]]:
        """What is left of the tree: numbers of chunk and block, the block, and the first of its entries left."""
        first = self._reached.position
        last, number = -1, 0
        for chunk, block in tree_reader.blocks(self._view, self._volume.tree, first[0], self._lose_chunk):
            number = number + 1 if chunk == last else 0
            last = chunk
            if (chunk, number) >= first[:2]:
                yield chunk, number, block, first[2] if (chunk, number) == first[:2] else 0

    def _go_on(self, path: bytes) -> None:
        """Goes on in a directory that an earlier slice has begun."""
        if not self._wanted:
            with self._outcome.noting(path):
                names = self._outcome.target().own_names(path)
                self._existing = [name for name in names if name > self._reached.name][::-1]

    def _plan(self, block: Block, index: int) -> None:
        entry, path = block.entries[index], block.child(index)
        if self._wanted and not self._wanted(path):
            self._plan_elsewhere(block, index, path)
            return
        if entry.kind == tree.HARDLINK and self._elsewhere and self._plan_link(block, index, path):
            return
        if not self._made and not entry.start:
            self._make_way(block.path, block.names[index], entry)
        if entry.kind == tree.DIRECTORY:
            return
        if self._wanted and not self._wanted(block.path):
            self._make_parents(path)
            self._batch.add(block, index, path)
        else:
            self._batch.add(block, index)

    def _plan_elsewhere(self, block: Block, index: int, path: bytes) -> None:
        """A file that is wanted under another of its names only."""
        if where := self._elsewhere.get(path):
            self._written_elsewhere.add(where)
            self._make_parents(where)
            self._batch.add(block, index, where)

    def _plan_link(self, block: Block, index: int, path: bytes) -> bool:
        """Whether the content of another name of a file comes from elsewhere: as the file itself, which is written
        already, or else as another name of that."""
        entry = block.entries[index]
        where = self._elsewhere.get(dict(block.attributes(entry.extra))[tree.TARGET])
        if where is None:
            return False
        if where not in self._written_elsewhere:
            self._batch.lost.append((path, "its content is in a part of the tree that cannot be read"))
        elif where != path:
            self._make_parents(path)
            self._batch.link(path, entry, where)
        return True

    # --- tree chunks that cannot be read (F30)

    def _lose_chunk(self, problem: Damaged) -> None:
        """Reports what nobody can name any more, and a file that would have gone on."""
        self._gap = True
        last, partial = self._last, self._reached.partial
        if last is None:
            path = join(self._reached.open[-1].path, self._reached.name) if self._reached.open else b""
        elif last.names:
            path, partial = last.child(-1), last.entries[-1].goes_on()
        else:
            path, partial = last.path, False
        self._outcome.lose_what_follows(path, str(problem))
        if partial:
            self._lose_file(path)

    def _go_on_after_gap(self, block: Block) -> None:
        """Goes on with a block of any directory. What comes before its first name may be in the volume, so it stays."""
        self._gap = False
        if not self._reached.open or self._reached.open[-1].path != block.path:
            if not self._wanted:
                self._make_parents(block.path)
            self._begin_directory(block)
        if not block.flags & tree.FIRST:
            self._existing = [name for name in self._existing if block.names and name > block.names[0]]
            if block.names and block.entries[0].start:
                self._lose_file(block.child(0))

    def _lose_file(self, path: bytes) -> None:
        where = path if not self._wanted or self._wanted(path) else self._elsewhere.get(path)
        if where is not None:
            self._batch.lost.append((where, "where a part of it is cannot be read"))

    # --- directories

    def _begin_directory(self, block: Block) -> None:
        self._end_directories(block.path)
        self._existing, self._made = [], False
        if self._wanted and not self._wanted(block.path):
            self._made = True  # nothing in it is removed
            return
        with self._outcome.noting(block.path):
            if block.path:
                if self._wanted:
                    self._make_parents(block.path)
                self._made = self._outcome.target().make_directory(block.path)
            if not self._made and not self._wanted:
                self._existing = self._outcome.target().own_names(block.path)[::-1]
            if not self._made or self._wanted:
                metadata.pass_nothing_on(self._outcome.target().directory(block.path))
        attributes = block.attributes(block.header.extra)
        self._reached.open.append(OpenDirectory(block.path, block.header, attributes, self._made))

    def _make_parents(self, path: bytes) -> None:
        """The directories above a path, when not all of the volume is wanted."""
        parts = path.split(b"/")[:-1]
        with self._outcome.noting(path):
            for length in range(1, len(parts) + 1):
                self._outcome.target().make_directory(b"/".join(parts[:length]))

    def _make_way(self, directory: bytes, name: bytes | None, entry: TreeEntry | None) -> None:
        """Removes what is in the directory before `name` and not in the volume, and at `name` what is in the way."""
        while self._existing and (name is None or self._existing[-1] <= name):
            found = self._existing.pop()
            if not directory and found in path_info.LEFT_ALONE:
                continue
            path = join(directory, found)
            with self._outcome.noting(path):
                if found != name or (entry is not None and entry.kind != tree.DIRECTORY):
                    self._outcome.target().remove(path)

    def _end_directories(self, following: bytes | None) -> None:
        """Ends the directories that `following` is not in: they are complete."""
        while self._reached.open:
            path = self._reached.open[-1].path
            if following is not None and (not path or following.startswith(path + b"/")):
                return
            self._batch.end(self._reached.open.pop())
