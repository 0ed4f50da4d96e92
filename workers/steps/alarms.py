"""alarms: on every tick, looks for what is wrong although no job says so, and tells it once for as long as it lasts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from schemas import application, objectives
from schemas import events as e
from schemas import schedule as schedules
from schemas.application import Application
from schemas.errors import Invalid, NotFound, SnaplineError
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from schemas.records import AlarmState
from schemas.schedule import Schedule
from workers.alarms import dead_letters, destinations, licenses, memory, missed, occurrences, overdue
from workers.alarms.occurrences import Found
from workers.ports import Cluster, Destinations, QueueState, Room


@dataclass(frozen=True)
class AlarmNeeds:
    """What looking needs. `trusted` are the license keys, None without any; `queues` are those whose dead letters are
    looked for, `states` says how it is with queues; `room` says how much room a destination has, None if it cannot;
    `remembered` is what the process knows of final records already."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    trusted: Mapping[str, bytes] | None
    queues: Iterable[str]
    states: Callable[[Sequence[str]], Mapping[str, QueueState]]
    room: Callable[[str], Room | None]
    remembered: overdue.Remembered
    now: Callable[[], datetime]


Look = Callable[[AlarmNeeds, set[str]], Iterator[Found]]


def tick(_: e.CloudEvent[e.TickMinute], needs: AlarmNeeds) -> Iterator[e.Event]:
    """An event for each alarm that begins, lasts for another day, or is over. What cannot be looked at holds up
    nothing else, and is raised in the end."""
    states = memory.read(needs.cluster, needs.console_namespace)
    problems: list[SnaplineError] = []
    for prefix, look in LOOKS.items():
        try:
            yield from _look(prefix, look, states, needs)
        except SnaplineError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def _look(prefix: str, look: Look, states: dict[str, AlarmState], needs: AlarmNeeds) -> Iterator[e.Event]:
    found = look(needs, set(states))
    for change in occurrences.changes(found, states, prefix, needs.now()):
        if change.event is not None:
            yield change.event
        memory.write(needs.cluster, needs.console_namespace, change.name, change.state)


def _overdue(needs: AlarmNeeds, _: set[str]) -> Iterator[Found]:
    wanted = _objectives(needs)
    return overdue.of_applications(wanted, needs.destinations, needs.remembered, needs.now())


def _schedules(needs: AlarmNeeds) -> Iterator[Schedule]:
    """Those that can be read; the scheduler says of the others why it passes them over."""
    for obj in needs.cluster.list(CONFIG_MAPS, needs.console_namespace, schedules.LABEL):
        with suppress(Invalid):
            yield schedules.from_config_map(obj)


def _licenses(needs: AlarmNeeds, _: set[str]) -> Iterator[Found]:
    if needs.trusted is None:
        return iter(())
    apps = [app for app, _ in _applications(needs) if app is not None]
    return licenses.expiring(apps, needs.trusted, needs.now())


LOOKS: Mapping[str, Look] = {
    destinations.FAILING: lambda needs, _: destinations.failing(needs.destinations),
    destinations.FULL: lambda needs, known: destinations.nearly_full(needs.destinations, needs.room, known),
    licenses.LICENSE: _licenses,
    dead_letters.LETTERS: lambda needs, _: dead_letters.found(needs.queues, needs.states),
    overdue.OVERDUE: _overdue,
    missed.MISSED: lambda needs, _: missed.of_schedules(_schedules(needs), needs.destinations, needs.now()),
}
"""What the names of its alarms begin with -> a look. The destinations come first: others need them."""


def _applications(needs: AlarmNeeds) -> Iterator[tuple[Application | None, datetime]]:
    """The registered applications, None for one that cannot be read; and since when they are."""
    for secret in needs.cluster.list(SECRETS, needs.console_namespace, application.LABEL):
        since = datetime.fromisoformat(secret["metadata"]["creationTimestamp"])
        try:
            yield application.from_secret(secret), since
        except Invalid:
            yield None, since


def _objectives(needs: AlarmNeeds) -> list[overdue.Objective]:
    """Those of applications that are registered."""
    try:
        lengths = objectives.from_config_map(needs.cluster.get(CONFIG_MAPS, needs.console_namespace, objectives.NAME))
    except NotFound:
        return []
    apps = [(app.slug, since) for app, since in _applications(needs) if app is not None]
    return [overdue.Objective(slug, lengths[slug], since) for slug, since in apps if slug in lengths]
