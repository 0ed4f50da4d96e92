"""Work that takes longer than a message may: it goes on in a thread of its own, while its message comes again and
again to see how far it is."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

from schemas.errors import NotYet
from workers.ports import Say

LOOK_AGAIN = timedelta(seconds=1)
"""How long a message rests before it looks again."""
ASK_EVERY = 0.2
"""Seconds between two looks whether the process is to stop."""
TELL_EVERY = 1.0
"""Seconds between two times that progress is told."""


class Doing(NamedTuple):
    """What long work is doing, and how much of that is done."""

    what: str
    done: int
    total: int


class Background:
    """The long work of one process. Safe for threads."""

    def __init__(self, length: timedelta = timedelta(minutes=1), stopping: Callable[[], bool] = lambda: False) -> None:
        """A message waits for `length` at most, and not while the process is `stopping`."""
        self._length, self._stopping = length, stopping
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def go_on(self, name: str, work: Callable[[Say], None]) -> Iterator[Doing]:
        """Lets the work called `name` go on, or begins it, and tells how far it is until it is over. Raises NotYet
        before, and what it has raised. It ends with the process: it must be safe to kill, and record how far it is."""
        with self._lock:
            run = self._runs.get(name)
            if run is None:
                run = self._runs[name] = _Run(name, work)
        deadline, told, told_at = time.monotonic() + self._length.total_seconds(), None, 0.0
        while run.thread.is_alive():
            now = time.monotonic()
            if run.doing not in (None, told) and now - told_at >= TELL_EVERY:
                told, told_at = run.doing, now
                yield told
            if now >= deadline or self._stopping():
                raise NotYet(f"{name} goes on", LOOK_AGAIN)
            run.thread.join(ASK_EVERY)
        with self._lock:
            if self._runs.get(name) is run:
                del self._runs[name]
        if run.error is not None:
            raise run.error


class _Run:
    def __init__(self, name: str, work: Callable[[Say], None]) -> None:
        self.error: BaseException | None = None
        self.doing: Doing | None = None
        self._work = work
        self.thread = threading.Thread(target=self._do, name=name, daemon=True)
        self.thread.start()

    def _do(self) -> None:
        try:
            self._work(self._say)
        except BaseException as error:
            self.error = error

    def _say(self, what: str, done: int, total: int) -> None:
        self.doing = Doing(what, done, total)
