"""watchdog: on every tick, tells the missing next step of each job that shows no progress.

It asks the object stores alone, so it also helps after the broker has lost everything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from schemas import events as e
from schemas import keys, topology
from schemas.errors import Code, Damaged, PermanentError, SnaplineError
from schemas.job import Job, safety_snapshot
from schemas.messages import Message, told
from schemas.records import BackupRequest, RestoreRequest, Running
from workers.copies import wanted
from workers.jobs import endings, ledger, progress, rejections
from workers.ports import Destinations, ObjectStore, QueueState

MOST_NUDGES = 30
"""A job that has been nudged this often in a row without any progress has failed."""
MOST_LOOKED_AT = 200
"""Jobs that one tick looks at, those that have been still for longest first: in a flood, others wait behind them."""
BACKLOG = timedelta(hours=1)
"""How long a job may wait in a queue in which others wait as well. After that its message counts as lost."""


@dataclass(frozen=True)
class WatchdogNeeds:
    """What the watchdog needs. A job without any write for `patience` is stalled. `queue` says how it is with the queue
    of a name; None if nobody can say."""

    destinations: Destinations
    patience: timedelta
    now: Callable[[], datetime]
    queue: Callable[[str], QueueState | None]


def tick(_: e.CloudEvent[e.TickMinute], needs: WatchdogNeeds) -> Iterator[e.Event]:
    """Looks at the running jobs of every destination. Destinations that cannot be reached or opened, and jobs whose
    records cannot be believed, do not hold up the others; the first of them is raised in the end."""
    problems: list[SnaplineError] = []
    needs = replace(needs, queue=cache(needs.queue))  # the broker is asked once for all jobs
    for destination in needs.destinations.names():
        try:
            yield from _look(destination, needs, problems)
            yield from wanted.lost(needs.destinations.store(destination), destination)
        except SnaplineError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def request_of(event: e.Event, needs: WatchdogNeeds) -> str | None:
    """The id of the event that asked for the job that `event` is about: who follows it must hear of it."""
    if not isinstance(event, e.JobEvent):
        return None
    store, kind = needs.destinations.store(event.destination), event.job.kind
    found = ledger.find(store, keys.request(event.job), BackupRequest if kind == "backup" else RestoreRequest)
    return found.event_id if found else None


def _look(destination: str, needs: WatchdogNeeds, problems: list[SnaplineError]) -> Iterator[e.Event]:
    """Nudges what stands still, by the store's time: that of workers may be another. Adds to `problems` why a job could
    not be."""
    store = needs.destinations.store(destination)
    marked = {keys.parse_running(found.key): found.modified for found in store.list(keys.RUNNING)}
    if not marked:
        return
    until = ledger.clock(store) - needs.patience
    quiet = sorted((job for job, mark in marked.items() if mark < until), key=lambda job: marked[job])
    for job in quiet[:MOST_LOOKED_AT]:
        newest = _newest(store, job)
        alive = max(filter(None, (newest, _of_snapshot(store, job, marked))), default=marked[job])
        if alive < until:
            marks = {each: marked[each] for each in (job, safety_snapshot(job)) if each in marked}
            still = _Still(job, destination, newest, marks, until, may_wait=alive + BACKLOG > until)
            try:
                yield from _nudge(store, still, needs)
            except Damaged as error:
                problems.append(error)
                yield from _end(store, job, error, needs, problems)


def _newest(store: ObjectStore, job: Job) -> datetime | None:
    """When the job last wrote a record."""
    return max((found.modified for found in store.list(keys.of(job))), default=None)


def _of_snapshot(store: ObjectStore, job: Job, marked: Mapping[Job, datetime]) -> datetime | None:
    """When the safety snapshot, for which a restore waits, last wrote anything."""
    snapshot = safety_snapshot(job)
    if job.kind == "backup" or snapshot not in marked:
        return None
    return max(filter(None, (marked[snapshot], _newest(store, snapshot))))


@dataclass(frozen=True)
class _Still:
    """A job that has not moved since `until`, with the times of its `newest` record, and of its marker and that of its
    safety snapshot; it `may_wait` in a queue in which others wait as well."""

    job: Job
    destination: str
    newest: datetime | None
    marks: Mapping[Job, datetime]
    until: datetime
    may_wait: bool


def _nudge(store: ObjectStore, still: _Still, needs: WatchdogNeeds) -> Iterator[e.Event]:
    """Tells what is missing of the job, unless it merely waits in a queue, or rests until it is tried again."""
    job = still.job
    if not ledger.exists(store, keys.request(job)):
        endings.close(store, job)  # its gate died before it was a job; the request will come again
        return
    if any(final.modified > still.until for final in store.list(keys.final(job))):
        return  # it has ended since the tick began, and who ended it tells so
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if refused := rejections.of_unbegun(store, job):
        yield endings.fail(store, job, needs.now(), rejections.reason(refused))
        return
    markers = {each: ledger.find(store, keys.running(each), Running) or Running() for each in still.marks}
    if any(mark + markers[each].rests > still.until for each, mark in still.marks.items()):
        return
    marker = markers[job]
    next_steps = list(progress.missing(store, job))
    queues = {queue.name: needs.queue(queue.name) for event in next_steps for queue in topology.carrying_on(event)}
    if still.may_wait and any(state and state.consumers and state.messages for state in queues.values()):
        return
    ledger.put(store, keys.running(job), marker)  # starts the clock anew: if the bus refuses, others come first
    helped = still.newest is not None and marker.newest is not None and still.newest > marker.newest
    in_vain = 1 if helped else marker.nudges + 1
    nudge = max(marker.nudged, marker.nudges) + 1
    unserved = sorted(name for name, state in queues.items() if state and not state.consumers)
    if in_vain > MOST_NUDGES:
        nobody = f"; nobody serves {', '.join(unserved)}" if unserved else ""
        reason = Message(code=Code.STALLED, text=f"no progress after {MOST_NUDGES} nudges{nobody}")
        yield endings.fail(store, job, needs.now(), reason)
        return
    yield _stalled(job, still.destination, nudge, unserved)
    yield from next_steps
    # Only now, as what the bus has not taken is no nudge.
    ledger.put(store, keys.running(job), Running(nudged=nudge, nudges=in_vain, newest=still.newest))


def _end(
    store: ObjectStore, job: Job, why: Damaged, needs: WatchdogNeeds, problems: list[SnaplineError]
) -> Iterator[e.Event]:
    """Ends a job that cannot go on by its records. One of whose end or request there is a record, and none of ours,
    stays as it is: nobody knows what it was."""
    try:
        yield endings.fail(store, job, needs.now(), told(why))
    except PermanentError as error:
        problems.append(error)


def _stalled(job: Job, destination: str, nudge: int, unserved: list[str]) -> e.BackupStalled | e.RestoreStalled:
    if job.kind == "backup":
        return e.BackupStalled(backup=job.name, destination=destination, nudge=nudge, unserved=unserved)
    return e.RestoreStalled(restore=job.name, destination=destination, nudge=nudge, unserved=unserved)
