"""The repository made small and repeatable: little chunks and packs, no threads, ids and times of a simulation."""

import hashlib
import os
import random
import stat
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from workers.repository.format.ambient import Ambient, CutSizes, Graces, Limits
from workers.repository.format.master_key import MASTER, derive

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory for thousands of small files and SQLite files: no disk need see them."""
KEYS = derive(bytes(range(MASTER)))
"""The same each time: they say where contents are cut."""
P = ParamSpec("P")
T = TypeVar("T")


class Entry(NamedTuple):
    """What a path is."""

    kind: int
    mode: int
    content: bytes  # of a file its digest, of a symlink its target
    first: str  # the first name of a file with several


Tree = dict[str, Entry]


class AtOnce(Executor):
    """Does what is submitted before it returns: a process without threads does its requests in one order."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """It is done when this returns."""
        future: Future[T] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


SMALL = Limits(
    chunk=CutSizes(128, 512, 2048),
    fine_chunk=CutSizes(128, 256, 1024),
    large_file=2048,
    cut=8192,
    look_every=1,
    tree_chunk=2**40,  # not by inodes and times, which are never the same
    tree_chunk_most=700,
    pack=6000,
    packs_per_index_object=3,
    packs_per_prune=2,
    batch_entries=4,
)
"""Chunks of some hundred bytes, packs of some chunks, slices that may end at any entry."""


def small_ambient(graces: Graces, now: Callable[[], datetime], names: random.Random) -> Ambient:
    """Little of everything, no threads, times and names that are the same each time."""
    return Ambient(SMALL, graces, now, names.randbytes, AtOnce)


def tree_at(root: Path) -> Tree:
    """All below a directory, by path."""
    found: Tree = {}
    seen: dict[int, str] = {}
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted([*names, *files]):
            path = Path(directory) / name
            relative = os.path.relpath(path, root)
            found[relative] = _entry(path, relative, seen)
    found["."] = _entry(root, ".", seen)
    return found


def _entry(path: Path, relative: str, seen: dict[int, str]) -> Entry:
    status = path.lstat()
    kind, first, content = stat.S_IFMT(status.st_mode), "", b""
    if kind == stat.S_IFREG:
        content = hashlib.sha256(path.read_bytes()).digest()
        first = seen.setdefault(status.st_ino, relative) if status.st_nlink > 1 else ""
    elif kind == stat.S_IFLNK:
        content = os.fsencode(path.readlink())
    mode = 0 if kind == stat.S_IFLNK else stat.S_IMODE(status.st_mode)
    return Entry(kind, mode, content, first)


NAMES = ("a", "b", "c", "d", "e", "f")
BLOBS = tuple(
    random.Random(number).randbytes(size) for number, size in enumerate((0, 1, 90, 300, 700, 1500, 2100, 5000))
)
"""Contents that files share: what is copied by one is there for others."""
_times = deque([10**18], maxlen=1)


def edit(root: Path, draw: random.Random) -> None:
    """One change somewhere in a small tree. All times differ: a file system's clock is too coarse to tell of changes in
    such quick succession."""
    changed = _edit(root, draw)
    _times.append(_times[-1] + 10**9)
    for place in (changed, changed.parent):
        if os.path.lexists(place):
            os.utime(place, ns=(_times[-1], _times[-1]), follow_symlinks=False)


def _edit(root: Path, draw: random.Random) -> Path:
    directory = root
    while draw.random() < 0.4:
        below = directory / ("D" + draw.choice("12"))
        if below.is_dir():
            directory = below
        else:
            below.mkdir()
            return below
    place = directory / draw.choice(NAMES)
    what = draw.random()
    if what < 0.2 and os.path.lexists(place):
        place.unlink()
    elif what < 0.3 and place.is_file() and not place.is_symlink():
        place.chmod(draw.choice((0o600, 0o644, 0o755)))
    elif what < 0.4:
        _anew(place)
        place.symlink_to(draw.choice(NAMES))
    elif what < 0.5:
        _link(directory, place, draw)
    else:
        _write(place, draw)
    return place


def _write(place: Path, draw: random.Random) -> None:
    if place.is_symlink():
        place.unlink()
    content = draw.choice(BLOBS)
    if draw.random() < 0.4:
        content += draw.randbytes(draw.randrange(1, 400))
    place.write_bytes(content)


def _link(directory: Path, place: Path, draw: random.Random) -> None:
    other = directory / draw.choice(NAMES)
    if other != place and other.is_file() and not other.is_symlink():
        _anew(place)
        os.link(other, place)


def _anew(place: Path) -> None:
    if os.path.lexists(place):
        place.unlink()
