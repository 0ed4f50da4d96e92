"""retention: on every tick, asks for the deletion of backups that have expired."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import backup
from schemas.records import Record
from workers.jobs import ledger
from workers.ports import Cluster, Destinations, ObjectStore
from workers.retention import rules
from workers.retention.choose import choose
from workers.retention.finals import Finals, with_uses
from workers.retention.rules import Known

MOST_ASKED = 100
"""Deletions that are asked for at a time, in each destination: the oldest first."""
ASK_AGAIN = timedelta(days=1)
"""After so long a deletion counts as lost that was asked for."""


@dataclass(frozen=True)
class RetentionNeeds:
    """What retention needs. Each destination is looked at `every` so often, whoever looks."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    every: timedelta
    now: Callable[[], datetime]
    finals: Finals = field(default_factory=Finals)


def tick(_: e.CloudEvent[e.TickMinute], needs: RetentionNeeds) -> Iterator[e.Event]:
    """Asks for deletions, wherever it is time to look. A destination that cannot be looked at does not hold up others;
    the first problem is raised in the end. Without the rules nothing is done."""
    known: Known | None = None
    problems: list[SnaplineError] = []
    for destination in needs.destinations.names():
        try:
            store = needs.destinations.store(destination)
            now = needs.now()
            if _was_looked_at(store, now - needs.every):
                continue
            known = known or rules.read(needs.cluster, needs.console_namespace)
            yield from _look(store, destination, known, now, needs)
        except SnaplineError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def _look(
    store: ObjectStore, destination: str, known: Known, now: datetime, needs: RetentionNeeds
) -> Iterator[e.Event]:
    """Asks for what goes and was not asked for lately. Notes are taken only after that: what the bus has not taken is
    asked for again, and a full store, which takes no notes, does not stop it."""
    candidates = list(with_uses(store, needs.finals.backups(destination, store)))
    verdicts = choose(candidates, known.rules, now, known.unreadable)
    lately = (found for found in store.list(keys.EXPIRING) if found.modified > now - ASK_AGAIN)
    asked = {keys.parse_expiring(found.key).name for found in lately}
    going = [verdict.backup for verdict in verdicts if verdict.goes and verdict.backup.name not in asked]
    for each in going[::-1][:MOST_ASKED]:
        yield e.BackupDeleteRequested(backup=each.name, destination=destination, expired=True)
        with suppress(SnaplineError):
            ledger.put(store, keys.expiring(backup(each.name)), Record())
    if len(going) <= MOST_ASKED:
        with suppress(SnaplineError):
            ledger.put(store, keys.LOOKED, Record())


def _was_looked_at(store: ObjectStore, since: datetime) -> bool:
    return any(found.key == keys.LOOKED and found.modified > since for found in store.list(keys.LOOKED))
