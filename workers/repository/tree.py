"""The tree record of a volume: what every path is, and where its bytes are."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from schemas.errors import Damaged

Kind = Literal["file", "directory", "symlink", "hardlink", "fifo", "device"]
Part = tuple[str, int, int]
"""Chunk, offset in it, length; a file is its parts in order."""


@dataclass
class Entry:
    """One path, relative, parts joined by `/`; names that are not UTF-8 are kept with surrogate escapes."""

    path: str
    kind: Kind
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0  # nanoseconds since the epoch
    size: int = 0
    target: str = ""  # of a symlink as it is; of a hard link the first path
    device: int = 0
    ctime: int = 0
    inode: int = 0
    parts: list[Part] = field(default_factory=list)
    xattrs: dict[str, str] = field(default_factory=dict)  # name -> base64

    def unchanged(self, other: "Entry") -> bool:
        """Whether a file seen again has the same content, as far as its inode tells (DESIGN 6)."""
        mine = (self.kind, self.size, self.mtime, self.ctime, self.inode)
        return mine == (other.kind, other.size, other.mtime, other.ctime, other.inode)


@dataclass
class Tree:
    """A volume: its root first, every directory before what is in it."""

    entries: list[Entry]


def encode(tree: Tree) -> bytes:
    """Deterministic."""
    return json.dumps([_slim(entry) for entry in tree.entries], separators=(",", ":")).encode()


def decode(body: bytes) -> Tree:
    """Raises Damaged for a tree that nobody here has written, or whose paths lead out of the volume."""
    try:
        entries = [Entry(**fields) for fields in json.loads(body)]
    except (ValueError, TypeError, RecursionError) as error:
        raise Damaged(f"a tree record cannot be read: {type(error).__name__}") from error
    for entry in entries:
        entry.parts = [(str(chunk), int(start), int(length)) for chunk, start, length in entry.parts]
        check_path(entry.path)
        if entry.kind == "hardlink":
            check_path(entry.target)
    return Tree(entries)


def check_path(path: str) -> None:
    """Raises Damaged for a path that is absolute, or has empty, `.` or `..` parts. The root is the empty path."""
    if path and any(part in ("", ".", "..") or "\0" in part for part in path.split("/")):
        raise Damaged(f"a tree record names the path {path!r:.200}, which leads out of the volume")


def _slim(entry: Entry) -> dict[str, Any]:
    """Without fields that have their default."""
    return {name: value for name, value in asdict(entry).items() if value or name in ("path", "kind")}
