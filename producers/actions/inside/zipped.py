"""A directory of a volume as one ZIP file, made while it is read: nothing is kept on the disk or whole in memory."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

from schemas.errors import Code, Invalid
from workers.repository.chunks.view import View
from workers.repository.format.tree import shown
from workers.repository.restore.file_contents import FileContent, file_contents
from workers.repository.restore.file_listing import clean, ls

MOST_BYTES = 64 * 1024**3
MOST_FILES = 200_000
"""More than that is for a restore."""
LEFT_OUT = "LEFT-OUT.txt"
"""Names what a ZIP file cannot safely hold: links and devices, which could lead a reader out of its directory."""
FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""The format knows no earlier one."""


def zipped(view: View, volume: str, path: bytes) -> Iterator[bytes]:
    """The pieces of the file. Contents are stored as they are, so it grows to no more than they are. Raises NotFound,
    Damaged, and Invalid for what is too much, before the first piece."""
    root = clean(path)
    left_out = _measured(view, volume, root)
    return _pieces(view, volume, root, left_out)


def _measured(view: View, volume: str, root: bytes) -> list[str]:
    """What will be left out."""
    files = size = 0
    left_out = []
    for listed in ls(view, volume, root, recursive=True):
        if listed.kind in ("file", "hardlink"):
            files, size = files + 1, size + (listed.size or 0)
        elif listed.kind != "directory":
            left_out.append(f"{listed.path} ({listed.kind}{' to ' + listed.target if listed.target else ''})")
        if files > MOST_FILES or size > MOST_BYTES:
            limits = f"{MOST_FILES:,} files or {MOST_BYTES // 1024**3} GiB"
            raise Invalid(f"{shown(root) or '/'} has more than {limits}: restore it instead", code=Code.INVALID)
    return left_out


def _pieces(view: View, volume: str, root: bytes, left_out: list[str]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        for content in file_contents(view, volume, root):
            with made.open(_info(content, root), "w", force_zip64=True) as entry:
                for piece in content.pieces:
                    entry.write(piece)
                    yield sink.taken()
            yield sink.taken()
        if left_out:
            made.writestr(LEFT_OUT, "\n".join(["Not in this file:", *left_out, ""]))
    yield sink.taken()


def _info(content: FileContent, root: bytes) -> zipfile.ZipInfo:
    inside = content.path[len(root) :].lstrip(b"/") or content.path.rpartition(b"/")[2]
    info = zipfile.ZipInfo(_name(inside), _time(content.mtime))
    info.external_attr = (0o100000 | (content.mode & 0o777)) << 16
    return info


def _name(path: bytes) -> str:
    """A name for any system: `shown` has no byte that is no text; a backslash would be a directory elsewhere."""
    return "/".join(part for part in shown(path).replace("\\", "_").split("/") if part not in ("", ".", ".."))


def _time(nanoseconds: int) -> tuple[int, int, int, int, int, int]:
    try:
        at = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return FIRST_TIME
    if not 1980 <= at.year <= 2107:
        return FIRST_TIME
    return at.year, at.month, at.day, at.hour, at.minute, at.second


class _Sink(io.RawIOBase):
    """Where `zipfile` writes: what it has written is taken out again. It cannot seek, so nothing is written twice."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self._waiting += data
        return len(data)

    def taken(self) -> bytes:
        """What has been written since the last call."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
