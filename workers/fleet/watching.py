"""A thread that looks at the fleet once a minute; what it has seen last is what counts, until that is too old."""

import threading
import time
from collections.abc import Callable

import structlog

from schemas import metrics as m
from schemas.metrics import Sample

EVERY = 60.0
"""Seconds between looks."""
STALE = 300.0
"""Seconds after which what was seen is not told any more: it would stand for what is."""

log = structlog.get_logger("fleet")


class Watch:
    """What is known of the fleet, for whoever asks for metrics. Safe for threads."""

    def __init__(
        self, look: Callable[[], list[Sample]], parts: list[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._parts, self._clock = look, parts, clock
        self._stop = threading.Event()
        self._seen: tuple[float, list[Sample]] | None = None

    def start(self) -> None:
        """Looks from now on, in a thread of its own."""
        threading.Thread(target=self._run, name="fleet", daemon=True).start()

    def stop(self) -> None:
        """Looks no more."""
        self._stop.set()

    def once(self) -> None:
        """One look. What nobody foresaw leaves what was seen before, until that is too old."""
        try:
            self._seen = self._clock(), self._look()
        except Exception:
            log.exception("a look at the fleet failed in a way nobody foresaw")

    def samples(self) -> list[Sample]:
        """The gauges. Of a look that is too old nothing but that it is: no part is well of which nobody knows."""
        if self._seen is not None and self._clock() - self._seen[0] <= STALE:
            return self._seen[1]
        return [Sample(m.FLEET_OK, 0, (part,)) for part in self._parts] if self._seen else []

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(EVERY)
