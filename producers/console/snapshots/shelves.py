"""The shelves of all destinations, and which of them an address asks for."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from starlette.requests import Request

from producers.console.needs import Needs
from producers.console.shared import shared
from producers.console.snapshots.places import destination_of
from producers.console.snapshots.shelf import AGE_OF_APPS, Shelf, shelf
from schemas.errors import SnaplineError


class Shelves:
    """Those of other destinations than the default one, each from when somebody has asked for it. Safe for threads."""

    def __init__(self, needs: Needs, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self._needs, self._clock, self._lock = needs, clock, threading.Lock()
        self._made: dict[str, Shelf] = {}
        self._names: Sequence[str] = ()
        self._default, self._read_at = "", float("-inf")

    def of(self, destination: str) -> Shelf:
        """That of one of them. Raises NotFound (`NoDestination`) where there is none, and as the cluster."""
        self._needs.session.destination(destination)
        with self._lock:
            if destination not in self._made:
                self._made[destination] = Shelf(self._needs.session, self._needs.now, destination=destination)
            return self._made[destination]

    def names(self) -> Sequence[str]:
        """The destinations that there are, the default one first; those that were last known where the cluster does not
        answer."""
        with self._lock:
            if self._clock() - self._read_at >= AGE_OF_APPS:
                self._read_at = self._clock()
                with suppress(SnaplineError):
                    self._read()
            return self._names

    def default(self) -> str:
        """The name of the default one; empty where that is not known."""
        self.names()
        return self._default

    def changed(self) -> None:
        """What was read is not good enough any more."""
        with self._lock:
            made = list(self._made.values())
        for each in made:
            each.changed()

    def _read(self) -> None:
        known = self._needs.session.destinations
        self._default, there = known.defaults()[0], set(known.names())
        self._names = [name for name in (self._default, *sorted(there - {self._default})) if name in there]
        self._made = {name: each for name, each in self._made.items() if name in there}


def shelves(needs: Needs) -> Shelves:
    """For `shared`."""
    made = Shelves(needs)
    needs.hub.before_telling(made.changed)
    return made


def shelf_at(request: Request) -> Shelf:
    """The one that the address asks for. Raises NotFound for a destination that is not there."""
    asked = destination_of(request)
    known = shared(request, shelves)
    return shared(request, shelf) if asked in ("", known.default()) else known.of(asked)
