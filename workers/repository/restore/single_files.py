"""Single files of a volume: listing, streaming, restoring."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Code, Damaged, Invalid, NotFound
from workers.ports import Progress, RestoreSlice
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import tree, volume_record
from workers.repository.format.layout import VOLUMES
from workers.repository.format.tree import Block, TreeEntry, shown
from workers.repository.restore.batch import pieces
from workers.repository.restore.slice import restore_slice

KINDS = {
    tree.FILE: "file",
    tree.DIRECTORY: "directory",
    tree.SYMLINK: "symlink",
    tree.HARDLINK: "hardlink",
    tree.FIFO: "fifo",
    tree.CHARACTER: "character device",
    tree.BLOCK: "block device",
}
ZEROS = bytes(1024 * 1024)


@dataclass(frozen=True)
class Listed:
    """One path of a volume. `path` is for humans; where it is not exactly the name, `name_base64` is."""

    path: str
    kind: str
    mode: str  # octal
    uid: int
    gid: int
    size: int  # bytes
    mtime: int  # nanoseconds since 1970 UTC
    target: str = ""
    name_base64: str = ""


def ls(view: View, volume: str, path: bytes, *, recursive: bool) -> Iterator[Listed]:
    """What is at `path`: itself, or what is in the directory. Raises NotFound; Damaged, after all that can be told."""
    path, found = clean(path), False
    for block in _blocks(view, volume):
        if block.path == path:
            found = True  # an empty directory has a block, too
        for index, entry in enumerate(block.entries):
            child = block.child(index)
            if entry.start or not _listed(child, block.path, path, recursive):
                continue
            found = True
            yield _described(block, child, entry)
    if not found:
        raise NotFound(f"there is no {shown(path)} in this volume", code=Code.NO_SUCH_FILE, subject=shown(path))


def cat(view: View, volume: str, path: bytes) -> Iterator[bytes]:
    """A file's content, in order. Raises NotFound, Damaged, and Invalid for anything but a file."""
    path = clean(path)
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
            yield from _zeros(start - at)
            yield view.read("d", id_)[offset : offset + length]
            at = start + length
        yield from _zeros(entry.end() - at)
        at = entry.end()
        if at == entry.size:
            return
    if not found:
        raise NotFound(f"there is no {shown(path)} in this volume", code=Code.NO_SUCH_FILE, subject=shown(path))


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
        for block in _blocks(view, volume):
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
        name = shown(min(missing))
        raise NotFound(f"there is no {name} in this volume", code=Code.NO_SUCH_FILE, subject=name)
    return found


def clean(path: bytes) -> bytes:
    """`/a//b/` is `a/b`; the root is empty. Raises Invalid for `..`."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise Invalid(f"{shown(path)}: paths are those of the volume, without `..`")
    return b"/".join(parts)


def _blocks(view: View, volume: str) -> Iterator[Block]:
    """All that can be read. Raises Damaged after that if something cannot."""
    view.look()
    found = volume_record.read(view.sealed, VOLUMES + volume)
    problems: list[Damaged] = []
    for _, block in tree_reader.blocks(view, found.tree, unread=problems.append):
        yield block
    if problems:
        raise problems[0]


def _entries(view: View, volume: str, path: bytes) -> Iterator[tuple[Block, TreeEntry]]:
    """The entries of one path."""
    directory, _, name = path.rpartition(b"/")
    for block in _blocks(view, volume):
        if block.path == directory and name in block.names:
            for each, entry in zip(block.names, block.entries, strict=True):
                if each == name:
                    yield block, entry


def _listed(child: bytes, directory: bytes, path: bytes, recursive: bool) -> bool:
    if child == path or directory == path:
        return True
    return recursive and (not path or child.startswith(path + b"/"))


def _described(block: Block, path: bytes, entry: TreeEntry) -> Listed:
    attributes = dict(block.attributes(entry.extra)) if entry.extra else {}
    text = shown(path)
    exact = text.encode() == path
    return Listed(
        path=text,
        kind=KINDS[entry.kind],
        mode=f"{entry.mode:04o}",
        uid=entry.uid,
        gid=entry.gid,
        size=entry.size if entry.kind == tree.FILE else 0,
        mtime=entry.mtime,
        target=shown(attributes[tree.TARGET]) if tree.TARGET in attributes else "",
        name_base64="" if exact else base64.b64encode(path).decode(),
    )


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield ZEROS[: min(count, len(ZEROS))]
        count -= len(ZEROS)
