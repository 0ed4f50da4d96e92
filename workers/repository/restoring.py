"""Writes a volume into a directory: structure first, contents chunk by chunk, metadata last. Safe to run again."""

import base64
import json
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from schemas.errors import Damaged, NotFound
from workers.ports import ObjectStore, Progress, RestoreSlice
from workers.repository.chunks import read_chunk
from workers.repository.keyring import Keys
from workers.repository.target import Target
from workers.repository.tree import Entry, Tree
from workers.repository.walking import LEFT_ALONE

FETCHERS = 6
AHEAD = 8
"""Chunks fetched before they are needed."""
PROGRESS_EVERY = 0.25
"""Seconds."""
Work = tuple[str, list[tuple[Entry, int, int, int]]]
"""A chunk, and where its bytes go: file, offset in the file, offset in the chunk, length."""


class Restore:
    """One slice of writing `tree` into `target`."""

    def __init__(
        self,
        tree: Tree,
        target: Target,
        fetch: Callable[[str], bytes],
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        self._tree, self._target, self._fetch = tree, target, fetch
        self._stop, self._progress = stop, progress
        self._files = [entry for entry in tree.entries if entry.kind == "file"]
        self._total = sum(entry.size for entry in self._files)
        self._told = 0.0
        self.bytes_done = 0
        self.problems: dict[str, str] = {}

    def run(self, begin: int, problems: dict[str, str]) -> int | None:
        """Goes on at the chunk number `begin`; the number to go on at in the next slice, or None when complete."""
        self.problems = problems
        if begin == 0:
            self._clear()
            self._structure()
        reached = self._contents(begin)
        if reached is None:
            self._links()
            self._metadata()
        return reached

    def _clear(self) -> None:
        """Removes what is not in the volume, or is something else there."""
        wanted = {entry.path: entry for entry in self._tree.entries}
        self._clear_below("", wanted)

    def _clear_below(self, directory: str, wanted: dict[str, Entry]) -> None:
        for name in self._target.names(directory):
            if not directory and name in LEFT_ALONE:
                continue
            path = f"{directory}/{name}" if directory else name
            entry = wanted.get(path)
            if entry is None:
                self._target.remove(path)
            elif entry.kind == "directory":
                self._target.make_directory(path)
                self._clear_below(path, wanted)

    def _structure(self) -> None:
        for entry in self._tree.entries:
            if entry.kind == "directory" and entry.path:
                self._target.make_directory(entry.path)
        for entry in self._files:
            if not self._is_right(entry):
                with self._target.writing(entry.path, fresh=True) as file:
                    os.truncate(file, entry.size)

    def _is_right(self, entry: Entry) -> bool:
        """A file has its time only when all of it is written."""
        status = self._target.status(entry.path)
        return (
            status is not None
            and stat.S_ISREG(status.st_mode)
            and status.st_nlink == 1
            and (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime)
        )

    def _contents(self, begin: int) -> int | None:
        work = _by_chunk(self._files)
        with ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch") as pool:
            for number, (parts, fetched) in enumerate(self._fetched(pool, work[begin:]), start=begin):
                self._write(parts, fetched)
                if self._stop() and number + 1 < len(work):
                    pool.shutdown(wait=False, cancel_futures=True)
                    return number + 1
        return None

    def _fetched(
        self, pool: ThreadPoolExecutor, work: list[Work]
    ) -> Iterator[tuple[list[tuple[Entry, int, int, int]], Future[bytes]]]:
        """Chunks in order, fetched some ahead."""
        ahead: deque[tuple[list[tuple[Entry, int, int, int]], Future[bytes]]] = deque()
        for chunk, parts in work:
            ahead.append((parts, pool.submit(self._fetch, chunk)))
            if len(ahead) > AHEAD:
                yield ahead.popleft()
        yield from ahead

    def _write(self, parts: list[tuple[Entry, int, int, int]], fetched: "Future[bytes]") -> None:
        try:
            data = memoryview(fetched.result())
        except (Damaged, NotFound) as error:
            for entry, *_ in parts:
                self.problems[entry.path] = str(error)
            return
        for entry, at, start, length in parts:
            if not self._is_right(entry):
                with self._target.writing(entry.path, fresh=False) as file:
                    os.pwrite(file, data[start : start + length], at)
            self.bytes_done += length
        self._report()

    def _links(self) -> None:
        for entry in self._tree.entries:
            if entry.kind == "hardlink":
                self._link(entry)
            elif entry.kind in ("symlink", "fifo", "device"):
                self._special(entry)

    def _link(self, entry: Entry) -> None:
        self._target.remove(entry.path)
        source = os.dup(self._target.within(entry.target)[0])
        try:
            directory, name = self._target.within(entry.path)
            first = entry.target.rpartition("/")[2]
            os.link(first, name, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
        finally:
            os.close(source)

    def _special(self, entry: Entry) -> None:
        self._target.remove(entry.path)
        directory, name = self._target.within(entry.path)
        try:
            if entry.kind == "symlink":
                os.symlink(entry.target, name, dir_fd=directory)
            elif entry.kind == "fifo":
                os.mkfifo(name, 0o600, dir_fd=directory)
            else:
                os.mknod(name, entry.mode, entry.device, dir_fd=directory)
        except PermissionError:
            self.problems[entry.path] = "a device can only be made by root"

    def _metadata(self) -> None:
        """Directories last, and of these the deepest first, as writing into one changes its time."""
        directories = [entry for entry in self._tree.entries if entry.kind == "directory"]
        others = [entry for entry in self._tree.entries if entry.kind not in ("directory", "hardlink")]
        for entry in (*others, *reversed(directories)):
            if entry.path not in self.problems:
                self._set(entry)

    def _set(self, entry: Entry) -> None:
        directory, name = self._target.within(entry.path) if entry.path else (self._target.directory(""), ".")
        follow = not entry.path
        if os.geteuid() == 0:
            os.chown(name, entry.uid, entry.gid, dir_fd=directory, follow_symlinks=follow)
        if entry.xattrs:
            self._set_xattrs(entry)
        if entry.kind != "symlink":
            # chmod after chown, which takes setuid bits away; what is here is no symlink, we have made it
            os.chmod(name, stat.S_IMODE(entry.mode), dir_fd=directory)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=directory, follow_symlinks=follow)

    def _set_xattrs(self, entry: Entry) -> None:
        if entry.kind not in ("file", "directory"):
            return
        directory, name = self._target.within(entry.path) if entry.path else (self._target.directory(""), ".")
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        try:
            for attribute, value in entry.xattrs.items():
                with suppress(OSError):  # some belong to the host's security module, not to the data
                    os.setxattr(descriptor, attribute, base64.b64decode(value))
        finally:
            os.close(descriptor)

    def _report(self) -> None:
        if time.monotonic() - self._told >= PROGRESS_EVERY:
            self._told = time.monotonic()
            done = sum(1 for entry in self._files) if self.bytes_done >= self._total else 0
            self._progress(Progress(self.bytes_done, self._total, done))


def restore(
    store: ObjectStore,
    keys: Keys,
    tree: Tree,
    root: Path,
    *,
    checkpoint: bytes | None,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> RestoreSlice:
    """One slice. Raises Damaged at the end, if files could not be restored, after all others have been."""
    state: dict[str, Any] = json.loads(checkpoint) if checkpoint else {"chunk": 0, "bytes": 0, "problems": {}}
    with Target(root) as target:
        run = Restore(tree, target, lambda chunk: read_chunk(store, keys, chunk), stop, progress)
        run.bytes_done = state["bytes"]
        reached = run.run(state["chunk"], state["problems"])
    files = sum(1 for entry in tree.entries if entry.kind == "file")
    if reached is not None:
        saved = json.dumps({"chunk": reached, "bytes": run.bytes_done, "problems": run.problems}).encode()
        return RestoreSlice(checkpoint=saved, bytes=run.bytes_done, files=0)
    if run.problems:
        named = "; ".join(f"{path}: {why}" for path, why in list(run.problems.items())[:20])
        raise Damaged(f"{len(run.problems)} of {files} files could not be restored, all others are: {named}")
    return RestoreSlice(checkpoint=None, bytes=run.bytes_done, files=files)


def _by_chunk(files: list[Entry]) -> list[Work]:
    """All parts, grouped by the chunk that holds them, in the order in which chunks are first needed."""
    wanted: dict[str, list[tuple[Entry, int, int, int]]] = {}
    for entry in files:
        at = 0
        for chunk, start, length in entry.parts:
            wanted.setdefault(chunk, []).append((entry, at, start, length))
            at += length
    return list(wanted.items())
