"""The repository made small and repeatable: little chunks and packs, no threads, ids and times of a simulation."""

import hashlib
import os
import random
import stat
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, ParamSpec, TypeVar

import pytest

from workers.repository.chunks import chunk_writer, index_cache, volume_record
from workers.repository.copy import checkpoint, stream, tree_writer, walk
from workers.repository.copy import slice as copy_slice
from workers.repository.format import keyring, layout, marks, packs, sealing
from workers.repository.restore import batch, batch_writer
from workers.repository.upkeep import prune, repair_index, verify

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory for thousands of small files and SQLite files: no disk need see them."""
KEYS = keyring.derive(bytes(range(keyring.MASTER)))
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


def make_small(patch: pytest.MonkeyPatch) -> None:
    """Chunks of some hundred bytes, packs of some chunks, slices that may end at any entry."""
    for module, numbers in (
        (stream, {"CHUNK_NORMAL": 512, "CHUNK_LEAST": 128, "CHUNK_MOST": 2048, "WINDOW": 8192}),
        (stream, {"FINE_NORMAL": 256, "FINE_LEAST": 128, "FINE_MOST": 1024}),
        (walk, {"OWN_CHUNKS": 2048, "LOOK_EVERY": 1}),
        (tree_writer, {"TREE_NORMAL": 2**40, "TREE_LARGE": 700}),  # not by inodes and times, which are never the same
        (packs, {"PACK_BYTES": 6000}),
        (index_cache, {"PACKS_PER_OBJECT": 3}),
        (batch, {"MOST_ENTRIES": 4}),
    ):
        for name, number in numbers.items():
            patch.setattr(module, name, number)


def without_threads(patch: pytest.MonkeyPatch) -> None:
    """Every process does one thing after the other."""
    for module in (batch_writer, index_cache, prune, repair_index, verify, volume_record, chunk_writer):
        patch.setattr(module, "ThreadPoolExecutor", AtOnce)


def with_clock(patch: pytest.MonkeyPatch, now: Callable[[], datetime]) -> None:
    """The repository's idea of the time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return now()

    for module in (prune, marks, volume_record):
        patch.setattr(module, "datetime", Clock)
    for module in (checkpoint, copy_slice):
        patch.setattr(module, "time", SimpleNamespace(time=lambda: now().timestamp()))


def with_random(patch: pytest.MonkeyPatch, source: random.Random) -> None:
    """Names and nonces that are the same each time."""
    drawn = SimpleNamespace(token_bytes=source.randbytes, token_hex=lambda count: source.randbytes(count).hex())
    for module in (layout, packs, sealing):
        patch.setattr(module, "secrets", drawn)


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
