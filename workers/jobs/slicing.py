"""How long work on a volume is cut into slices: when a slice ends, and what is told meanwhile."""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

from schemas import events as e
from schemas.job import Job
from workers.ports import Cancellations, Progress

T = TypeVar("T")

PROGRESS_EVERY = 0.5
"""Seconds between progress events of one volume."""


@dataclass(frozen=True)
class Slicing:
    """When a slice ends: after `length`, when the process is to stop, or when the job is cancelled."""

    length: timedelta
    stopping: Callable[[], bool]
    cancellations: Cancellations

    def stop(self, job: Job) -> Callable[[], bool]:
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
