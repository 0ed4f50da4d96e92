"""How far a restore has come, and what went wrong with single paths. Safe for threads."""

import errno
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import Invalid
from workers.ports import Progress
from workers.repository.files.target import Target
from workers.repository.format.tree import shown
from workers.repository.restore.batch import FilePart, Made, OpenDirectory

PROGRESS_EVERY = 0.25
"""Seconds."""
NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS))


@dataclass
class Reached:
    """What is kept of a restore until the next slice."""

    position: tuple[int, int, int] = (0, 0, 0)
    """Numbers of the tree chunk, of its block and of its entry to go on with."""
    name: bytes = b""
    """The last name in the directory that is under way."""
    partial: bool = False
    """Whether that is a file, and the tree has more of it."""
    unfinished: dict[bytes, Made] = field(default_factory=dict)
    """The files of which the tree has more, by path."""
    open: list[OpenDirectory] = field(default_factory=list)
    written: int = 0  # bytes
    files: int = 0
    warnings: list[str] = field(default_factory=list)
    lost: dict[bytes, str] = field(default_factory=dict)
    """Files that could not be restored, and why."""


class Outcome:
    """Counts into `reached`, and gives every thread its own `Target`."""

    def __init__(self, target: Path, reached: Reached, total: int, progress: Callable[[Progress], None]) -> None:
        """`total` are the volume's bytes."""
        self.reached = reached
        self._path, self._total, self._progress = target, total, progress
        self._lock = threading.Lock()
        self._local = threading.local()
        self._targets: list[Target] = []
        self._told = 0.0

    def close(self) -> None:
        """Closes the targets."""
        for target in self._targets:
            target.close()

    def target(self) -> Target:
        """This thread's own target."""
        found: Target | None = getattr(self._local, "target", None)
        if found is None:
            found = self._local.target = Target(self._path)
            with self._lock:
                self._targets.append(found)
        return found

    @contextmanager
    def noting(self, path: bytes, part: FilePart | None = None) -> Iterator[None]:
        """What goes wrong with one path does not hold up the others. Raises Invalid if it would go wrong with all."""
        try:
            yield
        except OSError as error:
            self.check_room(path, error)
            why = f"could not be written: {error.strerror}"
            if part is None:
                self.lose(path, why)
            else:
                part.failed = part.failed or why

    def check_room(self, path: bytes, error: OSError) -> None:
        """Raises Invalid if nothing more can be written here."""
        if error.errno in NO_ROOM:
            raise Invalid(
                f"the volume cannot be written at {shown(path)}: {error.strerror}; "
                f"{self._total} bytes are to be restored; make the claim larger, then restore again"
            ) from error

    def lose(self, path: bytes, why: str) -> None:
        """Reports a path, and makes sure that no half of a file is left (F30)."""
        with self._lock:
            new = path not in self.reached.lost
            self.reached.lost.setdefault(path, why)
        if new and path:
            try:
                status = self.target().status(path)
                if status is not None and stat.S_ISREG(status.st_mode):
                    self.target().remove(path)
            except OSError:
                return  # it is reported already

    def lose_what_follows(self, path: bytes, why: str) -> None:
        """Reports that some of what comes after a path in the tree is not known any more."""
        with self._lock:
            self.reached.lost.setdefault(b"(what follows %s)" % (path or b"."), why)

    def warn(self, path: bytes, failed: list[str]) -> None:
        """What could not be set on a path that is there."""
        if failed:
            with self._lock:
                self.reached.warnings += [f"{shown(path)}: {why}" for why in failed]

    def count(self, *, written: int = 0, files: int = 0) -> None:
        """Adds, and reports now and then."""
        with self._lock:
            self.reached.written += written
            self.reached.files += files
            now = time.monotonic()
            if now - self._told < PROGRESS_EVERY:
                return
            self._told = now
            done, count = self.reached.written, self.reached.files
        self._progress(Progress(done, max(self._total, done), count))
