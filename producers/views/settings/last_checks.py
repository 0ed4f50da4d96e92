"""What came of trying something out, the last time for each, as long as this process lives."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from workers.adapters.stores.check import Check

T = TypeVar("T")
MOST = 100


@dataclass(frozen=True)
class Checked:
    """A destination that was tried `at` a time (UTC), in the `place` that it had then."""

    at: datetime
    place: str
    checks: Sequence[Check]

    @property
    def passed(self) -> int:
        """So many of the checks went well."""
        return sum(1 for each in self.checks if each.ok)

    @property
    def ok(self) -> bool:
        """Whether all did, and there were some."""
        return bool(self.checks) and self.passed == len(self.checks)


class Latest(Generic[T]):
    """The latest value of each name. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, T] = {}

    def keep(self, name: str, found: T) -> None:
        """Instead of the one before."""
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = found
            while len(self._kept) > MOST:
                self._kept.pop(next(iter(self._kept)))

    def find(self, name: str) -> T | None:
        """The one of that name, if there is one."""
        with self._lock:
            return self._kept.get(name)
