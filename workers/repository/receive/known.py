"""Which chunk here holds what a chunk there does, as far as that is known without reading it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from schemas.errors import Damaged, NotFound
from workers.repository.chunks.view import View
from workers.repository.format import tree_decoder, volume_record
from workers.repository.format.layout import VOLUMES
from workers.repository.format.tree import Block
from workers.repository.receive.blocks import pairs

REMEMBERED = 100_000
"""Pairs in each of two generations; each takes some hundred bytes."""
AHEAD = 4
"""Tree chunks of the earlier volume that are read for one of the new one."""


class Known:
    """Ids there -> ids here. The oldest are forgotten. Not safe for threads."""

    def __init__(self) -> None:
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def learn(self, found: Iterable[tuple[bytes, bytes]]) -> None:
        """Adds pairs."""
        self._young.update(found)
        if len(self._young) > REMEMBERED:
            self._young, self._old = {}, self._young

    def get(self, id_: bytes) -> bytes | None:
        """The id here, if it is known."""
        return self._young.get(id_) or self._old.get(id_)


class Earlier:
    """An earlier volume, whose trees there and here have the same blocks, chunk by chunk. Its pairs are learned in step
    with the new volume's tree: all of it would be too much."""

    def __init__(self, there: View, here: View, like: tuple[str, str] | None, tree: Iterable[bytes]) -> None:
        """`like` are its ids there and here; `tree` is that of the new volume. One that is gone, or cannot be read,
        counts as none."""
        self._there, self._here = there, here
        self._trees: list[tuple[bytes, bytes]] = []
        if like is not None:
            with suppress(NotFound, Damaged):
                self._trees = _side_by_side(_tree(there, like[0]), _tree(here, like[1]))
        self._numbers = {id_: number for number, (id_, _) in enumerate(self._trees)}
        self._in_both = self._numbers.keys() & set(tree)
        self._next = 0

    def teach(self, id_: bytes, blocks: Sequence[Block], known: Known) -> None:
        """Learns what is worth knowing for the new volume's tree chunk `id_`, which has these `blocks`: from the same
        one of the earlier volume, else from those that stand where it stands and are not in the new one."""
        if (same := self._numbers.get(id_)) is not None:
            self._next = same + 1
            self._learn(blocks, self._trees[same][1], known)
            return
        for _ in range(AHEAD):
            if self._next < len(self._trees) and self._trees[self._next][0] not in self._in_both:
                there, here = self._trees[self._next]
                self._next += 1
                self._learn(_blocks(self._there, there), here, known)

    def _learn(self, blocks: Sequence[Block], here: bytes, known: Known) -> None:
        others = _blocks(self._here, here)
        if len(blocks) == len(others):
            for block, other in zip(blocks, others, strict=True):
                known.learn(pairs(block, other))


def _blocks(view: View, id_: bytes) -> list[Block]:
    """Nothing of a tree chunk that cannot be read."""
    with suppress(Damaged):
        return [*tree_decoder.decode(view.read("t", id_))]
    return []


def _tree(view: View, volume: str) -> list[bytes]:
    return volume_record.read(view.sealed, VOLUMES + volume).tree


def _side_by_side(there: Sequence[bytes], here: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(there, here, strict=True)) if len(there) == len(here) else []
