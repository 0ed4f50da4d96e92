"""Reads a directory tree in path order: entries without content."""

import base64
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from workers.repository.tree import Entry, Kind

LEFT_ALONE = (".snapline", "lost+found")
"""At the top of a volume: ours while a restore goes on, and the file system's."""

Warn = Callable[[str], None]


def walk(root: Path, warn: Warn) -> Iterator[Entry]:
    """The root, then all below it; what cannot be read is warned of and left out. Sockets are never copied."""
    links: dict[tuple[int, int], str] = {}
    yield _entry(root, "", os.lstat(root))
    yield from _below(root, "", warn, links)


def _below(root: Path, directory: str, warn: Warn, links: dict[tuple[int, int], str]) -> Iterator[Entry]:
    try:
        with os.scandir(root / directory) as found:
            names = sorted((entry.name for entry in found), key=os.fsencode)
    except OSError as error:
        warn(f"{directory or '.'}: could not be listed: {error.strerror}")
        return
    for name in names:
        if not directory and name in LEFT_ALONE:
            continue
        path = f"{directory}/{name}" if directory else name
        try:
            entry = _describe(root, path, links)
        except OSError as error:
            warn(f"{path}: could not be read: {error.strerror}")
            continue
        if entry is None:
            warn(f"{path}: is a socket, which cannot be copied")
            continue
        yield entry
        if entry.kind == "directory":
            yield from _below(root, path, warn, links)


def _describe(root: Path, path: str, links: dict[tuple[int, int], str]) -> Entry | None:
    full = root / path
    status = os.lstat(full)
    if stat.S_ISSOCK(status.st_mode):
        return None
    entry = _entry(full, path, status)
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        first = links.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            return Entry(path, "hardlink", target=first)
    return entry


def _entry(full: Path, path: str, status: os.stat_result) -> Entry:
    kind = _kind(status.st_mode)
    return Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode) if kind != "device" else status.st_mode,
        uid=status.st_uid,
        gid=status.st_gid,
        mtime=status.st_mtime_ns,
        size=status.st_size if kind == "file" else 0,
        target=str(full.readlink()) if kind == "symlink" else "",
        device=status.st_rdev if kind == "device" else 0,
        ctime=status.st_ctime_ns if kind == "file" else 0,
        inode=status.st_ino if kind == "file" else 0,
        xattrs=_xattrs(full),
    )


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "symlink"
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "file" if stat.S_ISREG(mode) else "device"


def _xattrs(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    with suppress(OSError):
        for name in sorted(os.listxattr(path, follow_symlinks=False)):
            found[name] = base64.b64encode(os.getxattr(path, name, follow_symlinks=False)).decode()
    return found
