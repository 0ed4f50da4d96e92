"""A worker that kills itself: once at every place of a kind, and lives again.

    python -m tests.support.killing QUEUE POINT MARKERS

POINT is before-work, before-change, after-change or after-publish. Places are event types, or else records and kinds
of object (tests.support.kill_places). MARKERS is a directory: a file in it, called `<queue> <place>`, means that this
kill has been done. It dies by SIGKILL, in a process of its own; the one above it has imported all that it needs, and
makes the next at once.
"""

import gc
import os
import re
import signal
import sys
import threading
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dramatiq

from deploy.local.processes import die_with_parent
from schemas import topology
from schemas.events import AnyEvent
from tests.support.killing_adapters import KillingCluster, KillingDestinations
from workers import app
from workers.hooks import restore_run
from workers.jobs import at_work, claims
from workers.needs import Needs
from workers.ports import Cluster, Destinations

MOST_DELIVERIES = 7
"""A message that has come again so often is spared, since the broker gives none more often than DELIVERY_LIMIT."""
SILENCE, AT_WORK_SILENCE, DEAD_RUN = timedelta(seconds=4), timedelta(seconds=10), timedelta(seconds=20)
"""After what silence others take it to be dead; elsewhere they wait longer."""


class Killer:
    """Kills this process, once for each different place. Safe for threads."""

    def __init__(self, queue: str, point: str, markers: Path) -> None:
        self._queue, self._point, self._markers = queue, point, markers
        self._deliveries: dict[int, int] = {}

    def at_work(self, deliveries: int) -> None:
        """This thread works on a message that has come `deliveries` times before."""
        self._deliveries[threading.get_ident()] = deliveries

    def at(self, point: str, place: str, most: int = MOST_DELIVERIES) -> None:
        """Dies here, if this is the point, nobody died here before, and no message has come again `most` times."""
        if point != self._point or max(self._deliveries.values(), default=0) >= most:
            return
        try:
            (self._markers / f"{self._queue} {re.sub('[^A-Za-z0-9.:-]+', ' ', place)}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()


class KillingNeeds(Needs):
    """Needs with places to die at."""

    killer: Killer

    @cached_property
    def cluster(self) -> Cluster:
        return KillingCluster(super().cluster, self.killer)

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
        self._killer.at_work(int((message.properties.headers or {}).get("x-delivery-count", 0)))
        self._killer.at("before-work", event["type"])


def work(queue: str, point: str, markers: str) -> None:
    """Works as `workers.app` does, until it dies."""
    restore_run.SILENCE, restore_run.BEAT = SILENCE, 0.5
    at_work.SILENCE, claims.DEAD_RUN = AT_WORK_SILENCE, DEAD_RUN
    needs = KillingNeeds(app.load().settings)
    needs.killer = Killer(queue, point, Path(markers))
    app.serve(topology.queue(queue), app.make_broker(needs, KillBeforeWork(needs.killer)), app.stop_on_signals())


def main(*arguments: str) -> int:
    """One life after another, until one does not end by SIGKILL; how that one ended."""
    gc.freeze()
    while True:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        child = os.fork()
        if child == 0:
            die_with_parent()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            work(*arguments)
            return 0
        stopped = _pass_on(child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        _, status = os.waitpid(child, 0)
        if stopped or not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _pass_on(child: int) -> list[int]:
    """Has SIGTERM go to the child. The list gets the signals that came."""
    came: list[int] = []

    def handle(number: int, _: object) -> None:
        came.append(number)
        os.kill(child, number)

    signal.signal(signal.SIGTERM, handle)
    return came


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
