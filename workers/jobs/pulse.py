"""Tells others that somebody is at work while one call takes long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from schemas.errors import SnaplineError

EVERY = 30.0
"""Seconds between two times."""


@contextmanager
def pulsing(pulse: Callable[[], None], every: float = EVERY) -> Iterator[None]:
    """Calls `pulse` every so many seconds, from a thread of its own, while the context lasts. Its errors pass."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            with suppress(SnaplineError):
                pulse()

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
