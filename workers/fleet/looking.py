"""One look at the fleet, part by part: what cannot be read holds up nothing else, and is never taken for well."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from schemas import keys, topology
from schemas import metrics as m
from schemas.errors import SnaplineError
from schemas.job import KINDS
from schemas.metrics import Sample
from workers.fleet import backups, wanted
from workers.fleet.backups import Known
from workers.jobs import ledger
from workers.ports import Cluster, Destinations, ObjectStore, QueueState, Room

log = structlog.get_logger("fleet")


@dataclass(frozen=True)
class FleetNeeds:
    """What looking needs. `queues` asks how it is with queues, by name, and raises if the broker is away; `room` says
    how much room a destination has, None if it cannot; `trusted` are the license keys, None without any."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    trusted: Callable[[], Mapping[str, bytes] | None]
    names: list[str]
    queues: Callable[[list[str]], Mapping[str, QueueState]]
    room: Callable[[str], Room | None]
    now: Callable[[], datetime]
    known: Known = field(default_factory=lambda: Known({}, {}))


QUEUES = "queues"
Part = Callable[[FleetNeeds], Iterator[Sample]]


def look(needs: FleetNeeds) -> list[Sample]:
    """The gauges of all parts; what could not be read is absent, and `FLEET_OK` is 0 for its part."""
    began = time.perf_counter()
    found: list[Sample] = []
    for name, part in PARTS.items():
        read = True
        try:
            found.extend(part(needs))
        except SnaplineError as error:
            log.warning("a part of the fleet could not be looked at", part=name, reason=error.with_place)
            read = False
        found.append(Sample(m.FLEET_OK, read, (name,)))
        if name == QUEUES:
            found.append(Sample(m.BROKER_UP, read))
    return [*found, Sample(m.FLEET_AT, time.time()), Sample(m.FLEET_SECONDS, time.perf_counter() - began)]


def _destinations(needs: FleetNeeds) -> Iterator[Sample]:
    for name in needs.destinations.names():
        try:
            ledger.clock(needs.destinations.store(name))
            yield Sample(m.DESTINATION_OK, 1, (name,))
            room = needs.room(name)
        except SnaplineError:
            yield Sample(m.DESTINATION_OK, 0, (name,))
            continue
        if room is not None:
            yield Sample(m.DESTINATION_FREE, room.free, (name,))
            yield Sample(m.DESTINATION_SIZE, room.total, (name,))


def _each_destination(needs: FleetNeeds, of: Callable[[str, ObjectStore], Iterator[Sample]]) -> Iterator[Sample]:
    """Of one that cannot be read nothing is said, and its problem is raised in the end: none is left out in silence."""
    problems: list[SnaplineError] = []
    for name in needs.destinations.names():
        try:
            said = list(of(name, needs.destinations.store(name)))
        except SnaplineError as error:
            problems.append(error)
            continue
        yield from said
    if problems:
        raise problems[0]


def _backups(needs: FleetNeeds) -> Iterator[Sample]:
    return _each_destination(needs, lambda name, store: backups.of_destination(name, store, needs.known))


def _jobs(needs: FleetNeeds) -> Iterator[Sample]:
    return _each_destination(needs, _running)


def _running(name: str, store: ObjectStore) -> Iterator[Sample]:
    marked = Counter(keys.parse_running(found.key).kind for found in store.list(keys.RUNNING))
    for kind in KINDS:
        yield Sample(m.RUNNING, marked[kind], (name, kind))


def _queues(needs: FleetNeeds) -> Iterator[Sample]:
    letters = {topology.queue(name).dead_letters: name for name in needs.names}
    for name, state in needs.queues([*needs.names, *letters]).items():
        if name in letters:
            yield Sample(m.DEAD_LETTERS, state.messages, (letters[name],))
        else:
            yield Sample(m.QUEUE_MESSAGES, state.messages, (name,))
            yield Sample(m.QUEUE_CONSUMERS, state.consumers, (name,))


PARTS: Mapping[str, Part] = {
    QUEUES: _queues,
    "destinations": _destinations,
    "backups": _backups,
    "jobs": _jobs,
    "schedules": lambda needs: wanted.of_schedules(needs.cluster, needs.console_namespace, needs.now()),
    "licenses": lambda needs: wanted.of_licenses(needs.cluster, needs.console_namespace, needs.trusted()),
}
