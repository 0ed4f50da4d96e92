"""The tree of the parent volume, read alongside the walk: both are in the same order (FORMAT 7)."""

from collections.abc import Generator, Iterator

from schemas.errors import Damaged
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format.tree import LAST, Block, parts_of

InBlock = tuple[Block, int]
"""A block of the parent's tree, and the number of an entry in it."""


class ParentTree:
    """It must be asked for directories in tree order, and in each of them for names in order."""

    def __init__(self, view: View, ids: list[bytes], first: int) -> None:
        """Begins at tree chunk number `first`."""
        self._blocks: Iterator[tuple[int, Block]] = tree_reader.blocks(view, ids, first) if ids else iter(())
        self._block: Block | None = None
        self._parts: list[bytes] = []  # of the block's path
        self._path: bytes | None = None  # of the directory asked for, if it is there
        self._places: dict[bytes, int] = {}
        self.number = first
        self._advance()

    def enter(self, path: bytes) -> Block | None:
        """Goes to a directory; its first block that has not been read yet, None if there is none."""
        parts = parts_of(path)
        while self._block is not None and self._parts < parts:
            self._advance()
        self._path = path if self._block is not None and self._block.path == path else None
        return self._block if self._path is not None else None

    def next_block(self) -> Block | None:
        """Goes on in the directory: its next block, None after the last."""
        self._next_block()
        return self._block if self._path is not None else None

    def find(self, name: bytes) -> InBlock | None:
        """Where the first entry of `name` in the directory is."""
        while self._path is not None and self._block is not None:
            index = self._places.get(name)
            if index is not None:
                return self._block, index
            if self._block.names and name < self._block.names[-1]:
                return None
            self._next_block()
        return None

    def following(self, block: Block, index: int) -> InBlock | None:
        """The entry after that, if it is of the same name."""
        name = block.names[index]
        if index + 1 < len(block.names):
            return (block, index + 1) if block.names[index + 1] == name else None
        self._next_block()
        if self._path is None or self._block is None or not self._block.names or self._block.names[0] != name:
            return None
        return self._block, 0

    def close(self) -> None:
        """Stops reading."""
        if isinstance(self._blocks, Generator):
            self._blocks.close()

    def _next_block(self) -> None:
        """The directory's next block; none is left after the last."""
        if self._block is not None and self._block.flags & LAST:
            self._path = None
            return
        path = self._path
        self._advance()
        if self._block is None or self._block.path != path:
            self._path = None

    def _advance(self) -> None:
        try:
            self.number, self._block = next(self._blocks)
        except StopIteration:
            self._block, self._places = None, {}
            return
        except Damaged:
            # What cannot be read of the parent's tree is read from the source again.
            self._block, self._places, self._blocks = None, {}, iter(())
            return
        block = self._block
        self._parts = parts_of(block.path)
        self._places = dict(zip(reversed(block.names), range(len(block.names) - 1, -1, -1), strict=True))
