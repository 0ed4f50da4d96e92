"""watchdog: on every tick, tells the missing next step of each job that shows no progress.

It asks the object stores alone, so it also helps after the broker has lost everything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from schemas import events as e
from schemas import keys, topology
from schemas.errors import Code, TransientError
from schemas.job import Job, safety_snapshot
from schemas.messages import Message
from schemas.records import Running
from workers.jobs import endings, ledger, progress
from workers.ports import Destinations, ObjectStore

MOST_NUDGES = 30
"""A job that has been nudged this often without any progress has failed."""


@dataclass(frozen=True)
class WatchdogNeeds:
    """What the watchdog needs. A job without any write for `patience` is stalled. `consumers` is how many consumers the
    queue of a name has; None if nobody can say."""

    destinations: Destinations
    patience: timedelta
    now: Callable[[], datetime]
    consumers: Callable[[str], int | None]


def tick(_: e.CloudEvent[e.TickMinute], needs: WatchdogNeeds) -> Iterator[e.Event]:
    """Looks at every running job of every destination; those that cannot be reached do not hold up the others."""
    away: list[TransientError] = []
    needs = replace(needs, consumers=cache(needs.consumers))  # the broker is asked once for all jobs
    for destination in needs.destinations.names():
        try:
            yield from _look(destination, needs)
        except TransientError as error:
            away.append(error)
    if away:
        raise away[0]


def _look(destination: str, needs: WatchdogNeeds) -> Iterator[e.Event]:
    store = needs.destinations.store(destination)
    marked = {keys.parse_running(found.key): found.modified for found in store.list(keys.RUNNING)}
    for job, mark in marked.items():
        alive = _newest(store, job, mark)
        if job.kind == "restore" and (snapshot := safety_snapshot(job)) in marked:
            alive = max(alive, _newest(store, snapshot, marked[snapshot]))  # the restore waits for it
        if needs.now() - alive > needs.patience:
            yield from _nudge(store, job, destination, needs)


def _newest(store: ObjectStore, job: Job, mark: datetime) -> datetime:
    """When the job last wrote anything, its running marker included."""
    return max([mark, *(found.modified for found in store.list(keys.of(job)))])


def _nudge(store: ObjectStore, job: Job, destination: str, needs: WatchdogNeeds) -> Iterator[e.Event]:
    if not ledger.exists(store, keys.request(job)):
        endings.close(store, job)  # its gate died before it was a job; the request will come again
        return
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    nudge = _count(store, job)
    told = list(progress.missing(store, job))
    unserved = _unserved(told, needs)
    if nudge > MOST_NUDGES:
        nobody = f"; nobody serves {', '.join(unserved)}" if unserved else ""
        reason = Message(code=Code.STALLED, text=f"no progress after {MOST_NUDGES} nudges{nobody}")
        yield endings.fail(store, job, needs.now(), reason)
        return
    yield _stalled(job, destination, nudge, unserved)
    yield from told


def _unserved(told: list[e.Event], needs: WatchdogNeeds) -> list[str]:
    """The queues that should hear these events, and have no worker."""
    queues = {queue.name for event in told for queue in topology.hearing(event)}
    return [queue for queue in sorted(queues) if needs.consumers(queue) == 0]


def _stalled(job: Job, destination: str, nudge: int, unserved: list[str]) -> e.BackupStalled | e.RestoreStalled:
    if job.kind == "backup":
        return e.BackupStalled(backup=job.name, destination=destination, nudge=nudge, unserved=unserved)
    return e.RestoreStalled(restore=job.name, destination=destination, nudge=nudge, unserved=unserved)


def _count(store: ObjectStore, job: Job) -> int:
    """Counts one more nudge in the running marker; writing it also starts the clock anew."""
    marker = ledger.find(store, keys.running(job), Running) or Running()
    counted = Running(nudges=marker.nudges + 1)
    ledger.put(store, keys.running(job), counted)
    return counted.nudges
