"""The contents of all files below a path, in one pass over the volume."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from typing import NamedTuple

from schemas.errors import Damaged
from workers.repository.chunks.view import View
from workers.repository.format import tree
from workers.repository.format.tree import Block, TreeEntry, shown
from workers.repository.restore.batch import pieces
from workers.repository.restore.file_listing import blocks, clean
from workers.repository.restore.single_files import cat, zeros


@dataclass(frozen=True)
class FileContent:
    """One file; what is not read of its `pieces` before the next file is asked for is skipped. `mtime` is nanoseconds
    since 1970 UTC."""

    path: bytes
    mode: int
    mtime: int
    pieces: Iterator[bytes]


class _Part(NamedTuple):
    """An entry of a file: all of it, or a part of a large one."""

    path: bytes
    block: Block
    entry: TreeEntry


def file_contents(view: View, volume: str, path: bytes) -> Iterator[FileContent]:
    """The files at and below `path`, each name of one that has several. Raises Damaged, also while pieces are read."""
    for name, parts in groupby(_parts(view, volume, clean(path)), lambda part: part.path):
        first = next(parts)
        linked = first.entry.kind == tree.HARDLINK
        content = cat(view, volume, name) if linked else _joined(view, name, chain([first], parts))  # noqa: B031  # begun, and gone on with
        yield FileContent(name, first.entry.mode, first.entry.mtime, content)


def _parts(view: View, volume: str, root: bytes) -> Iterator[_Part]:
    """In the volume's order: the parts of a large file come one after the other."""
    for block in blocks(view, volume):
        for index, entry in enumerate(block.entries):
            child = block.child(index)
            below = not root or child == root or child.startswith(root + b"/")
            if below and entry.kind in (tree.FILE, tree.HARDLINK):
                yield _Part(child, block, entry)


def _joined(view: View, name: bytes, parts: Iterable[_Part]) -> Iterator[bytes]:
    at = size = 0
    for _, block, entry in parts:
        if entry.start != at:
            raise Damaged(f"{shown(name)} has a part from {at} to {entry.start} that is not known any more")
        for id_, start, offset, length in pieces(block, entry, block.attributes(entry.extra)):
            yield from zeros(start - at)
            yield view.read("d", id_)[offset : offset + length]
            at = start + length
        yield from zeros(entry.end() - at)
        at, size = entry.end(), entry.size
    if at != size:
        raise Damaged(f"{shown(name)} is known up to {at} of {size} bytes")
