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

from schemas import events as e
from schemas import topology
from workers import app
from workers.adapters import broker
from workers.deliveries import Delivery
from workers.needs import Needs
from workers.ports import Destinations, ObjectStore, Repository, StoredObject
from workers.receive import Row

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
        where = " ".join([kind, *rest[:1]] if kind in ("backups", "restores") else [kind])
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
    """Needs with a store to die at."""

    killer: Killer

    @cached_property
    def destinations(self) -> Destinations:
        return KillingDestinations(super().destinations, self.killer)


def killing_row(row: Row, killer: Killer) -> Row:
    """The row, dying before each kind of work."""

    def wrapped(kind: type[e.Event], step: Any) -> Any:
        def run(delivery: Delivery) -> Iterator[e.Event]:
            killer.at("before-work", kind.type)
            return step(delivery)  # type: ignore[no-any-return]

        return run

    return Row({kind: wrapped(kind, step) for kind, step in row.steps.items()}, row.give_up)


def main(queue: str, point: str, markers: str) -> None:
    """Works as `workers.app` does, until it dies."""
    killer = Killer(queue, point, Path(markers))
    served, plain = app.start(queue)
    needs = KillingNeeds(plain.settings, plain.stop)
    needs.killer = killer
    publisher = broker.Publisher(needs.settings.amqp_url.get_secret_value(), f"snapline/{queue}")

    def tell(event: e.AnyEvent) -> None:
        publisher.publish(event)
        killer.at("after-publish", event.type)

    app.work(served, needs, tell=tell, change=lambda row: killing_row(row, killer))


if __name__ == "__main__":
    topology.queue(sys.argv[1])
    main(*sys.argv[1:])
