"""Reads the blocks of trees, some chunks ahead of whoever uses them."""

from collections import deque
from collections.abc import Callable, Iterator

from schemas.errors import Damaged
from workers.repository.chunks import chunk_reader
from workers.repository.chunks.view import View
from workers.repository.format import tree_decoder
from workers.repository.format.tree import Block

TOGETHER = 8
"""Tree chunks that are read at a time; they are neighbours, more often than not. Twice as many are in memory."""


def blocks(
    view: View, ids: list[bytes], first: int = 0, unread: Callable[[Damaged], None] | None = None
) -> Iterator[tuple[int, Block]]:
    """The blocks of the tree chunks from number `first`, each with its chunk's number; some chunks are read ahead.
    `unread` is told of each chunk that cannot be read, and the chunk is left out; without it, Damaged is raised."""
    batches = [ids[start : start + TOGETHER] for start in range(first, len(ids), TOGETHER)]
    with view.ambient.pool(1, "tree") as pool:
        ahead = deque(pool.submit(chunk_reader.read, view, "t", batch) for batch in batches[:1])
        for number, batch in enumerate(batches):
            ahead.extend(pool.submit(chunk_reader.read, view, "t", each) for each in batches[number + 1 : number + 2])
            chunks = ahead.popleft().result()
            for place, id_ in enumerate(batch, first + number * TOGETHER):
                try:
                    for block in tree_decoder.decode(_plain(chunks[id_])):
                        yield place, block
                except Damaged as problem:
                    if unread is None:
                        raise
                    unread(problem)


def _plain(chunk: bytes | Damaged) -> bytes:
    if isinstance(chunk, Damaged):
        raise chunk
    return chunk
