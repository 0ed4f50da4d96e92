"""One run at a time: two deliveries of the same work must not meet in one process. A node's queue has one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from schemas.errors import NotYet


@dataclass
class Locks:
    """What this process works on: the volumes of a pod, or one volume. Safe for threads."""

    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self, what: str) -> Iterator[None]:
        """Holds `what` while the context lasts. Raises NotYet while another thread does."""
        with self._lock:
            if what in self._taken:
                raise NotYet(f"{what} is being worked on by another thread")
            self._taken.add(what)
        try:
            yield
        finally:
            with self._lock:
                self._taken.discard(what)
