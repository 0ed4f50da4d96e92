"""A worker that kills itself: once at every point of a kind, for every event type and record it handles.

    python -m tests.support.killing QUEUE POINT MARKERS

POINT is before-work, after-work (just before a record is written), after-record (just after) or after-publish.
MARKERS is a directory: a file in it means that this kill has been done.
"""

import os
import re
import signal
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import dramatiq

from schemas import topology
from schemas.events import AnyEvent
from workers import app
from workers.needs import Needs
from workers.ports import Destinations, ObjectStore, Repository, StoredObject

POINTS = ("before-work", "after-work", "after-record", "after-publish")
RECORDS = ("backups/", "restores/", "running/", "notifications/")


class Killer:
    """Kills this process, once for each different place."""

    def __init__(self, queue: str, point: str, markers: Path) -> None:
        self._queue, self._point, self._markers = queue, point, markers

    def at(self, point: str, where: str) -> None:
        """Dies here, if this is the point and nobody died here before."""
        if point != self._point:
            return
        try:
            (self._markers / f"{self._queue} {re.sub('[^A-Za-z0-9.]+', '_', where)}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()


class KillingStore:
    """Dies around the writing of records; what a record is called without its job's name tells places apart."""

    def __init__(self, store: ObjectStore, killer: Killer) -> None:
        self._store, self._killer = store, killer

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._store.get(key, start, length)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self._store.list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        return self._store.names(prefix)

    def put(self, key: str, body: bytes | bytearray) -> None:
        self._around(key, lambda: self._store.put(key, body))

    def create(self, key: str, body: bytes) -> bool:
        return bool(self._around(key, lambda: self._store.create(key, body)))

    def delete(self, key: str) -> None:
        self._around(key, lambda: self._store.delete(key))

    def _around(self, key: str, write: Any) -> Any:
        if not key.startswith(RECORDS):
            return write()
        kind, _, *rest = key.split("/")
        what = [rest[0], *rest[2:]] if rest[:1] == ["owners"] else rest[:1]
        where = " ".join([kind, *what] if kind in ("backups", "restores") else [kind])
        self._killer.at("after-work", where)  # the work is done, the record is not yet written
        result = write()
        self._killer.at("after-record", where)
        return result


class KillingDestinations:
    """Destinations with stores to die at. What repositories write is no record."""

    def __init__(self, destinations: Destinations, killer: Killer) -> None:
        self._destinations, self._killer = destinations, killer

    def names(self) -> list[str]:
        return self._destinations.names()

    def store(self, name: str) -> ObjectStore:
        return KillingStore(self._destinations.store(name), self._killer)

    def repository(self, name: str) -> Repository:
        return self._destinations.repository(name)


class KillingNeeds(Needs):
    """Needs with places to die at."""

    killer: Killer

    @cached_property
    def destinations(self) -> Destinations:
        return KillingDestinations(super().destinations, self.killer)

    def tell(self, event: AnyEvent) -> None:
        super().tell(event)
        self.killer.at("after-publish", event.type)


class KillBeforeWork(dramatiq.Middleware):
    """Dies before each kind of work."""

    def __init__(self, killer: Killer) -> None:
        self._killer = killer

    def before_process_message(self, _: dramatiq.Broker, message: Any) -> None:
        """See dramatiq."""
        [event] = message.args
        self._killer.at("before-work", event["type"])


def main(queue: str, point: str, markers: str) -> None:
    """Works as `workers.app` does, until it dies."""
    needs = KillingNeeds(app.load().settings)
    needs.killer = Killer(queue, point, Path(markers))
    app.serve(topology.queue(queue), app.make_broker(needs, KillBeforeWork(needs.killer)), app.stop_on_signals())


if __name__ == "__main__":
    main(*sys.argv[1:])
