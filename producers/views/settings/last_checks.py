"""What came of trying destinations out, the last time for each, as long as this process lives."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.adapters.stores.check import Check

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


class LastChecks:
    """By the name of the destination. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Checked] = {}

    def keep(self, name: str, found: Checked) -> None:
        """Instead of what came of it before."""
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = found
            while len(self._kept) > MOST:
                self._kept.pop(next(iter(self._kept)))

    def last(self, name: str, place: str) -> Checked | None:
        """The last one in that place."""
        with self._lock:
            found = self._kept.get(name)
        return found if found and found.place == place else None
