"""Tells the watchdog that a job is alive while one call takes long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemas.errors import SnaplineError
from schemas.job import Job
from workers.jobs import ledger
from workers.ports import ObjectStore

EVERY = 30.0
"""Seconds between pulses."""


@contextmanager
def pulsing(store: ObjectStore, job: Job, every: float = EVERY) -> Iterator[None]:
    """Pulses from a thread of its own while the context lasts."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            with suppress(SnaplineError):
                ledger.pulse(store, job)

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
