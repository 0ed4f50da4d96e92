"""The backups of each destination: the last good ones, how the newest ended, what they hold, what is bad about them."""

from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas import keys
from schemas import metrics as m
from schemas.errors import Damaged
from schemas.job import snapshot_of
from schemas.metrics import Sample
from schemas.records import BackupRecord, Verified
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject

K = TypeVar("K")

MOST_READ = 500
"""Records that one look reads of a destination, the newest first; those that were read are remembered."""


@dataclass(frozen=True)
class Finished:
    """What is remembered of a final record: `app` is empty of a full backup, `apps` are all that it names."""

    etag: str
    at: datetime
    status: str
    app: str
    apps: frozenset[str]
    scanned: int
    changed: int
    stored: int
    files: int
    objects: int
    seconds: float
    suspicious: bool


@dataclass(frozen=True)
class Checked:
    """What is remembered of the verifications of a backup."""

    etag: str
    at: datetime | None
    damaged: bool


@dataclass(frozen=True)
class Known:
    """What one process has read, by destination and key; filled along, so that each record is read once."""

    finished: MutableMapping[str, Finished | None]
    checked: MutableMapping[str, Checked]


def of_destination(name: str, store: ObjectStore, known: Known) -> Iterator[Sample]:
    """All that there is to say of a destination's backups. Raises what the store raises."""
    listed = sorted(store.list(keys.finals_of("backup")), key=lambda each: each.modified, reverse=True)
    found, whole = _read(name, store, listed, known)
    yield Sample(m.BACKUPS, len(listed), (name,))
    if whole:
        yield Sample(m.SUSPICIOUS, sum(each.suspicious for each in found), (name,))
    yield from last_ones(name, found)
    yield from _verified(name, store, known)


def last_ones(name: str, finished: Iterable[Finished]) -> Iterator[Sample]:
    """Of backups, in any order: for each application the last good one and how the newest ended, and what the newest
    full and partial ones hold."""
    good: dict[str, datetime] = {}
    newest: dict[str, Finished] = {}
    by_app: dict[str, Finished] = {}
    for each in sorted(finished, key=lambda each: each.at):
        for app in each.apps:
            newest[app] = each
            if each.status == "Completed":
                good[app] = each.at
        if each.status in ("Completed", "PartiallyFailed"):
            by_app[each.app] = each
    for app, at in good.items():
        yield Sample(m.LAST_GOOD, at.timestamp(), (app, name))
    for app, each in newest.items():
        for status in m.STATUSES:
            yield Sample(m.LAST_STATUS, status == each.status, (app, name, status))
    for app, each in by_app.items():
        yield from _held(each, (app, name))


def _held(each: Finished, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample(m.LAST_BYTES, each.scanned, labels)
    yield Sample(m.LAST_CHANGED, each.changed, labels)
    yield Sample(m.LAST_STORED, each.stored, labels)
    yield Sample(m.LAST_FILES, each.files, labels)
    yield Sample(m.LAST_OBJECTS, each.objects, labels)
    yield Sample(m.LAST_SECONDS, each.seconds, labels)
    if each.scanned:
        yield Sample(m.LAST_DEDUPLICATION, max(0.0, 1 - each.stored / each.scanned), labels)


def _read(name: str, store: ObjectStore, listed: list[StoredObject], known: Known) -> tuple[list[Finished], bool]:
    """What is known of the backups, and whether that is all. Safety snapshots, and records that are not believed, are
    no backups of anything."""
    found, read, unread = [], 0, False
    for each in listed:
        place = f"{name}/{each.key}"
        held = known.finished.get(place)
        if place not in known.finished or (held and held.etag != each.etag):
            if read == MOST_READ:
                unread = True
                continue
            read += 1
            held = known.finished[place] = _finished(store, each)
        if held is not None:
            found.append(held)
    _forget(known.finished, name, {each.key for each in listed}, keys.finals_of("backup"))
    return found, not unread


def _finished(store: ObjectStore, each: StoredObject) -> Finished | None:
    job = keys.parse_final(each.key)
    try:
        record = ledger.find(store, each.key, BackupRecord)
    except Damaged:
        return None
    if record is None or (job and snapshot_of(job)):
        return None
    return Finished(
        etag=each.etag,
        at=record.requested_at,
        status=record.status,
        app=record.app or "",
        apps=frozenset(app.slug for app in record.apps),
        scanned=sum(volume.scanned_bytes for volume in record.volumes),
        changed=sum(volume.changed_bytes for volume in record.volumes),
        stored=sum(volume.uploaded_bytes for volume in record.volumes),
        files=sum(volume.files for volume in record.volumes),
        objects=record.objects,
        seconds=(record.completed_at - record.requested_at).total_seconds(),
        suspicious=any(volume.suspicion for volume in record.volumes),
    )


def _verified(name: str, store: ObjectStore, known: Known) -> Iterator[Sample]:
    found = []
    listed = list(store.list(keys.VERIFIED))
    for each in listed:
        place = f"{name}/{each.key}"
        held = known.checked.get(place)
        if held is None or held.etag != each.etag:
            held = known.checked[place] = _checked(store, each)
        found.append(held)
    _forget(known.checked, name, {each.key for each in listed}, keys.VERIFIED)
    yield Sample(m.DAMAGED, sum(each.damaged for each in found), (name,))
    if times := [each.at for each in found if each.at]:
        yield Sample(m.LAST_VERIFIED, max(times).timestamp(), (name,))


def _checked(store: ObjectStore, each: StoredObject) -> Checked:
    try:
        record = ledger.find(store, each.key, Verified)
    except Damaged:
        record = None
    standing = record.standing() if record else None
    at = max((check.at for check in record.checks.values()), default=None) if record else None
    return Checked(each.etag, at, bool(standing and standing[1].problems))


def _forget(known: MutableMapping[str, K], name: str, there: set[str], prefix: str) -> None:
    """What is not there any more is not remembered."""
    begin = f"{name}/{prefix}"
    for place in [place for place in known if place.startswith(begin) and place[len(name) + 1 :] not in there]:
        del known[place]
