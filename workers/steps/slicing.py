"""What copying and restoring a volume share: one run at a time, an early end, live progress."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

from schemas import events as e
from schemas.errors import NotYet
from workers.ports import Cancellations, Progress

T = TypeVar("T")

PROGRESS_EVERY = 0.5
"""Seconds between progress events of one volume."""


@dataclass
class Turns:
    """Which units this process works on. Two runs of one unit must not meet: a node's queue has one process."""

    _busy: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def take(self, unit: str) -> Iterator[None]:
        """Holds `unit`. Raises NotYet while another thread does."""
        with self._lock:
            if unit in self._busy:
                raise NotYet(f"{unit} is being worked on by another thread")
            self._busy.add(unit)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(unit)


@dataclass(frozen=True)
class Slicing:
    """When a slice ends: after `length`, when the process is to stop, or when the job is cancelled."""

    length: timedelta
    stopping: Callable[[], bool]
    cancellations: Cancellations

    def stop(self, job: str) -> Callable[[], bool]:
        """Asked at every chunk boundary; the clock starts now."""
        deadline = time.monotonic() + self.length.total_seconds()
        return lambda: time.monotonic() >= deadline or self.stopping() or self.cancellations.cancelled(job)


def reporting(
    work: Callable[[Callable[[Progress], None]], T], tell: Callable[[Progress], e.VolumesProgressed]
) -> Generator[e.VolumesProgressed, None, T]:
    """Runs `work` in a thread and yields its newest progress twice a second; returns what it returns."""
    reports: SimpleQueue[Progress] = SimpleQueue()
    results: SimpleQueue[T | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            results.put(work(reports.put))
        except BaseException as error:
            results.put(error)

    worker = threading.Thread(target=run, name="slice", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(PROGRESS_EVERY)
            if newest := _drain(reports):
                yield tell(newest)
    finally:
        worker.join()
    result = results.get()
    if isinstance(result, BaseException):
        raise result
    return result


def _drain(reports: "SimpleQueue[Progress]") -> Progress | None:
    newest = None
    while True:
        try:
            newest = reports.get_nowait()
        except Empty:
            return newest
