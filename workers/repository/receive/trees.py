"""Tree chunks of a volume there, and what each becomes here: a tree chunk of the same blocks, written after the content
that they name."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.errors import Damaged, SnaplineError
from workers.repository.chunks import tree_reader
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.reliance import Reliance
from workers.repository.chunks.view import View
from workers.repository.copy.checkpoint import State
from workers.repository.format import volume_record
from workers.repository.format.layout import MIB, VOLUMES
from workers.repository.format.marks import ChunkInPack
from workers.repository.format.tree import DIRECTORY, Block
from workers.repository.receive.blocks import with_chunks
from workers.repository.receive.known import Earlier, Known
from workers.repository.receive.moving import move
from workers.repository.upkeep.check import hurt

TREE_CHUNKS = 8
"""Tree chunks whose content is moved together, at most."""
CHUNKS = 4096
"""Data chunks that are looked up and moved together, at most."""
LISTED_EVERY = 512 * MIB
"""After so many uploaded bytes the index lists them: so much is uploaded again if the process dies."""


class Views(NamedTuple):
    """The repository that has the volume, and the one that receives it."""

    there: View
    here: View


@dataclass
class Tree:
    """A tree chunk there."""

    id: bytes
    number: int
    blocks: list[Block] = field(default_factory=list)

    def stored(self) -> int:
        """Bytes of content."""
        return sum(entry.stored for block in self.blocks for entry in block.entries)

    def files(self) -> int:
        """Paths that are no directories. Of a file in several entries only the first counts."""
        return sum(entry.kind != DIRECTORY and entry.start == 0 for block in self.blocks for entry in block.entries)


def grouped(view: View, ids: list[bytes]) -> Iterator[list[Tree]]:
    """The tree chunks `ids`, with what is in them, some at a time. Raises Damaged."""
    group: list[Tree] = []
    content = 0
    for number, block in tree_reader.blocks(view, ids):
        if not group or group[-1].number != number:
            content += group[-1].stored() if group else 0
            if len(group) >= TREE_CHUNKS or content >= view.ambient.limits.batch_content:
                yield group
                group, content = [], 0
            group.append(Tree(ids[number], number))
        group[-1].blocks.append(block)
    if group:
        yield group


class Receiver:
    """Makes tree chunks of one volume here. Use in one thread, and for one slice."""

    def __init__(self, views: Views, volume: str, earlier: Earlier, writer: ChunkWriter) -> None:
        """`volume` is its id there."""
        self._there, self._here = views
        self._volume, self._earlier, self._writer = volume, earlier, writer
        self._known = Known()
        self._listed = 0
        self.reliance = Reliance(self._here)

    def receive(self, group: Sequence[Tree], state: State) -> None:
        """Adds them to the tree of `state`, which counts what was read as changed. Raises Damaged for content that is
        lost there, and says which files that hurts."""
        ids, wanted = self._looked_up(group)
        for first in range(0, len(wanted), CHUNKS):
            for moved in move(self._there, self._writer, wanted[first : first + CHUNKS]):
                state.changed += moved.read_bytes
                ids.update(moved.ids)
                self._known.learn(moved.ids)
                if moved.lost:
                    raise unreadable(self._there, self._volume, set(moved.lost))
            self._list()
        for tree in group:
            raw = b"".join(with_chunks(block, ids) for block in tree.blocks)
            state.tree.append(self._writer.write("t", raw).result())
            state.scanned += tree.stored()
            state.files += tree.files()

    def _looked_up(self, group: Sequence[Tree]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Of the data chunks there, the ids here of those that are here for sure, and the others."""
        ids: dict[bytes, bytes] = {}
        wanted: dict[bytes, None] = {}
        for tree in group:
            self._earlier.teach(tree.id, tree.blocks, self._known)
            for id_ in (id_ for block in tree.blocks for id_, _ in block.table if id_ not in ids):
                here = self._known.get(id_)
                if here is not None and self.reliance.on_all([here]):
                    ids[id_] = here
                else:
                    wanted[id_] = None
        return ids, [id_ for id_ in wanted if id_ not in ids]

    def _list(self) -> None:
        if self._writer.uploaded_bytes - self._listed >= LISTED_EVERY:
            self._writer.flush()
            self._listed = self._writer.uploaded_bytes


def unreadable(view: View, volume: str, lost: set[bytes]) -> Damaged:
    """What these chunks hurt of the volume. Copies in its own repository are told not to rely on them. Raises NotFound
    if the volume was deleted meanwhile, and so may they."""
    volume_record.read(view.sealed, VOLUMES + volume)
    with suppress(SnaplineError):  # who copies may have no right to write there
        view.note_damage(set[ChunkInPack]().union(*map(view.all_places, lost)))
    problems = hurt(view, {volume: "this volume"}, lost.__contains__, "it cannot be read")
    return Damaged("; ".join(map(str, problems)))
