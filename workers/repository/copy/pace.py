"""What a slice of a copy has done so far, who is told of it, and when the slice is to end."""

import time
from collections.abc import Callable

from workers.ports import Progress
from workers.repository.copy.checkpoint import State
from workers.repository.format.ambient import Limits

PROGRESS_EVERY = 0.25
"""Seconds."""


class Pace:
    """Counts into `state`. Use in one thread."""

    def __init__(
        self,
        state: State,
        limits: Limits,
        total: int,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        """`total` is a guess at all bytes, for the progress; `stop` says whether the slice is to end."""
        self._state, self._total, self._look_every = state, total, limits.look_every
        self._progress, self.stop = progress, stop
        self._entries = 0
        self._cut = False
        self._told = 0.0

    def read(self, length: int, cut: bool) -> None:
        """Counts bytes of content; `cut` if chunks were made of some."""
        self._state.scanned += length
        self._state.changed += length
        self._cut = self._cut or cut

    def ends(self, entries: int) -> bool:
        """Whether the slice is to end after so many entries more: asks after a cut, and now and then."""
        self._entries += entries
        if not self._cut and self._entries < self._look_every:
            return False
        self._cut, self._entries = False, 0
        self.report()
        return self.stop()

    def report(self) -> None:
        """Tells how far it has come, now and then."""
        now = time.monotonic()
        if now - self._told >= PROGRESS_EVERY:
            self._told = now
            scanned = self._state.scanned
            self._progress(Progress(scanned, max(self._total, scanned), self._state.files))
