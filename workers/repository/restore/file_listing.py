"""What is in a volume: its paths, each with what a `stat` of it would say."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.errors import Code, Damaged, Invalid, NotFound
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import tree, volume_record
from workers.repository.format.layout import VOLUMES
from workers.repository.format.tree import Block, TreeEntry, shown

KINDS = {
    tree.FILE: "file",
    tree.DIRECTORY: "directory",
    tree.SYMLINK: "symlink",
    tree.HARDLINK: "hardlink",
    tree.FIFO: "fifo",
    tree.CHARACTER: "character device",
    tree.BLOCK: "block device",
}


@dataclass(frozen=True)
class Listed:
    """One path of a volume. `path` is for humans; where it is not exactly the name, `name_base64` is. A further name of
    a file (`hardlink`) has the values of the file. What is known of a path by its name alone has None for values."""

    path: str
    kind: str
    mode: str | None  # octal
    uid: int | None
    gid: int | None
    size: int | None  # bytes; of directories, devices and links 0
    mtime: int | None  # nanoseconds since 1970 UTC
    target: str = ""
    name_base64: str = ""


@dataclass(frozen=True)
class _Values:
    """What a listing says of a path beside its name; None is not known."""

    mode: str | None = None
    uid: int | None = None
    gid: int | None = None
    size: int | None = None
    mtime: int | None = None


@dataclass
class _Seen:
    """What has been met on the way: directories that are named and not described yet, and files with several names."""

    named: dict[bytes, None] = field(default_factory=dict)
    linked: dict[bytes, _Values] = field(default_factory=dict)


def ls(view: View, volume: str, path: bytes, *, recursive: bool) -> Iterator[Listed]:
    """What is at `path`: itself, or what is in the directory; each once, a directory before what is in it. Raises
    NotFound; Damaged, after all that can be told."""
    path, found = clean(path), False
    seen = _Seen()
    try:
        for block in blocks(view, volume):
            if block.path == path:
                found = True  # an empty directory has a block, too
            for listed in _of_block(block, path, recursive, seen):
                found = True
                yield listed
    except Damaged:
        yield from (_listed(each, tree.DIRECTORY, _Values()) for each in seen.named)
        raise
    if not found:
        raise no_such(path)


def clean(path: bytes) -> bytes:
    """`/a//b/` is `a/b`; the root is empty. Raises Invalid for `..`."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise Invalid(f"{shown(path)}: paths are those of the volume, without `..`")
    return b"/".join(parts)


def blocks(view: View, volume: str) -> Iterator[Block]:
    """All that can be read. Raises Damaged after that if something cannot."""
    view.look()
    found = volume_record.read(view.sealed, VOLUMES + volume)
    problems: list[Damaged] = []
    for _, block in tree_reader.blocks(view, found.tree, unread=problems.append):
        yield block
    if problems:
        raise problems[0]


def no_such(path: bytes) -> NotFound:
    """The error for a path that is not there."""
    return NotFound(f"there is no {shown(path):.1000} in this volume", code=Code.NO_SUCH_FILE, subject=shown(path))


def _of_block(block: Block, path: bytes, recursive: bool, seen: _Seen) -> Iterator[Listed]:
    """What of a block belongs to the listing. A directory comes with its own block, which has all about it."""
    first = block.flags & tree.FIRST or block.path in seen.named
    seen.named.pop(block.path, None)
    if first and block.path not in (b"", path) and _wanted(block.path, path, recursive):
        header = block.header
        values = _Values(f"{header.mode:04o}", header.uid, header.gid, 0, header.mtime)
        yield _listed(block.path, tree.DIRECTORY, values)
    for index, entry in enumerate(block.entries):
        if entry.start:
            continue
        child = block.child(index)
        attributes = dict(block.attributes(entry.extra)) if entry.extra else {}
        values = _values(entry, attributes, seen)
        if tree.LINKED in attributes:
            seen.linked[child] = values
        if not _wanted(child, path, recursive):
            continue
        if entry.kind != tree.DIRECTORY:
            yield _listed(child, entry.kind, values, attributes.get(tree.TARGET))
        elif child != path:
            seen.named[child] = None


def _wanted(child: bytes, path: bytes, recursive: bool) -> bool:
    """Whether a path belongs to what is asked for."""
    directory = child.rpartition(b"/")[0]
    if directory == path or child == path:
        return True
    return recursive and (not path or child.startswith(path + b"/"))


def _values(entry: TreeEntry, attributes: dict[int, bytes], seen: _Seen) -> _Values:
    if entry.kind == tree.HARDLINK:
        return seen.linked.get(attributes[tree.TARGET], _Values())
    size = entry.size if entry.kind == tree.FILE else 0
    return _Values(f"{entry.mode:04o}", entry.uid, entry.gid, size, entry.mtime)


def _listed(path: bytes, kind: int, values: _Values, target: bytes | None = None) -> Listed:
    text = shown(path)
    return Listed(
        path=text,
        kind=KINDS[kind],
        mode=values.mode,
        uid=values.uid,
        gid=values.gid,
        size=values.size,
        mtime=values.mtime,
        target="" if target is None else shown(target),
        name_base64="" if text.encode() == path else base64.b64encode(path).decode(),
    )
