"""Single files of a volume: streaming, restoring."""

from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.errors import Damaged, Invalid
from workers.ports import Progress, RestoreSlice
from workers.repository.chunks.view import View
from workers.repository.format import tree
from workers.repository.format.tree import Block, TreeEntry, shown
from workers.repository.restore.batch import pieces
from workers.repository.restore.file_listing import KINDS, blocks, clean, no_such
from workers.repository.restore.slice import restore_slice

ZEROS = bytes(1024 * 1024)


def cat(view: View, volume: str, path: bytes) -> Iterator[bytes]:
    """A file's content, in order. Raises NotFound, Damaged, and Invalid for anything but a file."""
    path = clean(path)
    if not path:
        raise Invalid("/ is a directory, not a file")
    at, found = 0, False
    for block, entry in _entries(view, volume, path):
        if entry.start != at:
            raise Damaged(f"{shown(path)} has a part from {at} to {entry.start} that is not known any more")
        if entry.kind == tree.HARDLINK:
            target = dict(block.attributes(entry.extra))[tree.TARGET]
            yield from cat(view, volume, target)
            return
        if entry.kind != tree.FILE:
            raise Invalid(f"{shown(path)} is a {KINDS[entry.kind]}, not a file")
        found = True
        for id_, start, offset, length in pieces(block, entry, block.attributes(entry.extra)):
            yield from zeros(start - at)
            yield view.read("d", id_)[offset : offset + length]
            at = start + length
        yield from zeros(entry.end() - at)
        at = entry.end()
        if at == entry.size:
            return
    if not found:
        raise no_such(path)


def restore(
    view: View, volume: str, paths: list[bytes], target: Path, progress: Callable[[Progress], None]
) -> RestoreSlice:
    """Writes some files and directories below `target`, and leaves all else there alone. Raises NotFound for a path
    that is not in the volume."""
    cleaned = [clean(path) for path in paths]

    def wanted(path: bytes) -> bool:
        return any(not each or path == each or path.startswith(each + b"/") for each in cleaned)

    return restore_slice(
        view,
        volume,
        target,
        checkpoint=None,
        stop=lambda: False,
        progress=progress,
        wanted=wanted,
        elsewhere=_elsewhere(view, volume, cleaned, wanted),
    )


def _elsewhere(view: View, volume: str, paths: list[bytes], wanted: Callable[[bytes], bool]) -> dict[bytes, bytes]:
    """The first names of files of which only other names are wanted, each with the first that is. So nothing is made of
    what the target has at the first name today. Raises NotFound, and Damaged if what is missing may be in what cannot
    be read."""
    missing, found = set(paths) - {b""}, dict[bytes, bytes]()
    try:
        for block in blocks(view, volume):
            for index, entry in enumerate(block.entries):
                path = block.child(index)
                missing.discard(path)
                if entry.kind == tree.HARDLINK and wanted(path):
                    first = dict(block.attributes(entry.extra))[tree.TARGET]
                    if not wanted(first):
                        found.setdefault(first, path)
    except Damaged:
        if missing:
            raise
    if missing:
        raise no_such(min(missing))
    return found


def _entries(view: View, volume: str, path: bytes) -> Iterator[tuple[Block, TreeEntry]]:
    """The entries of one path."""
    directory, _, name = path.rpartition(b"/")
    for block in blocks(view, volume):
        if block.path == directory and name in block.names:
            for each, entry in zip(block.names, block.entries, strict=True):
                if each == name:
                    yield block, entry


def zeros(count: int) -> Iterator[bytes]:
    """So many of them, in pieces."""
    while count > 0:
        yield ZEROS[: min(count, len(ZEROS))]
        count -= len(ZEROS)
