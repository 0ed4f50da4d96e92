"""Snapshots that are overdue: the last good one of an application is older than its objective."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Damaged, SnaplineError
from schemas.job import snapshot_of
from schemas.records import BackupRecord
from workers.alarms.occurrences import FILLED_IN, Found
from workers.jobs import ledger
from workers.ports import Destinations, ObjectStore

OVERDUE = "overdue.app."
MOST_READ = 500
"""Records that one look reads of a destination; those that were read are remembered."""


@dataclass(frozen=True)
class Good:
    """What is remembered of a final record: when it was asked for, and whose good backup it is."""

    etag: str
    at: datetime
    apps: frozenset[str]


Remembered = MutableMapping[str, Good]
"""Destination and key -> what is known of the record. It is filled along, so that each record is read once."""


@dataclass(frozen=True)
class Objective:
    """How old the last good backup of an application may be that has been registered `since`."""

    app: str
    length: timedelta
    since: datetime


def of_applications(
    objectives: list[Objective], destinations: Destinations, remembered: Remembered, now: datetime
) -> Iterator[Found]:
    """Those whose last good backup, in whatever destination, is too old. Of one that may have a younger backup where
    nobody can look now, it is not known. Raises as asking for the destinations' names."""
    last, unseen = _last_good({each.app for each in objectives}, destinations, remembered)
    for each in objectives:
        since = last.get(each.app, each.since) + each.length
        if since <= now:
            event = e.BackupOverdue(
                app=each.app,
                objective_seconds=int(each.length.total_seconds()),
                last_good_at=last.get(each.app),
                since=FILLED_IN,
            )
            yield Found(OVERDUE + each.app, each.app, None if unseen else event, since=since)


def _last_good(
    apps: set[str], destinations: Destinations, remembered: Remembered
) -> tuple[Mapping[str, datetime], bool]:
    """When the last good backup of each application was asked for; and whether there is a destination where nobody has
    looked yet, and nobody can now."""
    found: dict[str, datetime] = {}
    unseen = False
    for name in destinations.names() if apps else ():
        missing = set(apps)
        try:
            for good in _newest_first(destinations.store(name), name, remembered):
                _note(good, missing, found)
                if not missing:
                    break
        except SnaplineError:
            before = [good for key, good in remembered.items() if key.startswith(f"{name}/")]
            unseen = unseen or not before
            for good in before:
                _note(good, set(apps), found)
    return found, unseen


def _note(good: Good, missing: set[str], found: dict[str, datetime]) -> None:
    """Takes what is known of one backup into account."""
    for app in missing & good.apps:
        found[app] = max(found.get(app, good.at), good.at)
    missing -= good.apps


def _newest_first(store: ObjectStore, destination: str, remembered: Remembered) -> Iterator[Good]:
    """What is known of the finished backups, the newest record first."""
    read = 0
    for each in sorted(store.list(keys.finals_of("backup")), key=lambda each: each.modified, reverse=True):
        known = remembered.get(f"{destination}/{each.key}")
        if known is None or known.etag != each.etag:
            read += 1
            if read > MOST_READ:
                return
            known = remembered[f"{destination}/{each.key}"] = _read(store, each.key, each.etag, each.modified)
        yield known


def _read(store: ObjectStore, key: str, etag: str, modified: datetime) -> Good:
    """Whose good backup it is: nobody's, if it is not whole, or the safety snapshot of a restore, which holds what that
    was to delete and no more."""
    job = keys.parse_final(key)
    try:
        record = ledger.find(store, key, BackupRecord)
    except Damaged:
        record = None
    if record is None or record.status != "Completed" or (job and snapshot_of(job)):
        return Good(etag, modified, frozenset())
    return Good(etag, record.requested_at, frozenset(app.slug for app in record.apps))
