"""What verifications and test restores say of backups. What is known of their records is kept on the disk."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from producers.views import catalog_file
from producers.views.job_views import BackupView, CheckedView, RestoreTestView, Verdict, VerificationView
from schemas import keys
from schemas.errors import Damaged
from schemas.job import Job, backup
from schemas.messages import Message
from schemas.records import DEPTHS, RestoreTested, Verified
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject

V = TypeVar("V", CheckedView, RestoreTestView)
THREADS = 16


def with_verdicts(
    views: Iterable[BackupView], store: ObjectStore, directory: Path | None, place: str
) -> list[BackupView]:
    """The backups, with what is known of how good they are. What cannot be believed counts for nothing."""
    checked = _kept(CheckedView, keys.VERIFIED, _checked_at, store, catalog_file.path(directory, place, "verified"))
    tests = catalog_file.path(directory, place, "test-restores")
    tested = _kept(RestoreTestView, keys.TEST_RESTORES, _tested_at, store, tests)
    known = checked.keys() | tested.keys()  # a copy of each of thousands takes a tenth of a second
    return [
        replace(view, checked=checked.get(view.name), tested=tested.get(view.name)) if view.name in known else view
        for view in views
    ]


def checked(verified: Verified | None) -> CheckedView | None:
    """What counts of the verifications of a backup."""
    standing = verified.standing() if verified else None
    if standing is None:
        return None
    depth, check = standing
    return CheckedView(check.at, depth, _verdict(check.problems))


def tested(record: RestoreTested | None) -> RestoreTestView | None:
    """How the newest test restore of a backup ended."""
    if record is None:
        return None
    return RestoreTestView(record.at, record.seconds, _verdict(record.problems), tuple(record.problems))


def verifications(verified: Verified | None) -> tuple[VerificationView, ...]:
    """The newest of each depth, the shallowest first."""
    found = ((depth, verified.checks.get(depth)) for depth in DEPTHS) if verified else ()
    return tuple(
        VerificationView(depth, each.at, each.seconds, _verdict(each.problems), tuple(each.problems), each.more)
        for depth, each in found
        if each is not None
    )


def verified_of(store: ObjectStore, job: Job) -> Verified | None:
    """The record of a backup's verifications. Raises Damaged."""
    return ledger.find(store, keys.verified(job), Verified)


def tested_of(store: ObjectStore, job: Job) -> RestoreTested | None:
    """The record of its newest test restore. Raises Damaged."""
    return ledger.find(store, keys.test_restored(job), RestoreTested)


def _verdict(problems: Iterable[Message]) -> Verdict:
    return "failed" if list(problems) else "passed"


def _checked_at(store: ObjectStore, name: str) -> CheckedView | None:
    return checked(verified_of(store, backup(name)))


def _tested_at(store: ObjectStore, name: str) -> RestoreTestView | None:
    return tested(tested_of(store, backup(name)))


def _kept(
    view: type[V], prefix: str, read: Callable[[ObjectStore, str], V | None], store: ObjectStore, file: Path | None
) -> dict[str, V]:
    """By backup: from the disk, or read and then kept there, as the catalog does."""
    listed = {_name(found, prefix): found.etag for found in store.list(prefix)}
    known = catalog_file.load(file, view)
    entries = {name: known[name] for name, etag in listed.items() if name in known and known[name][0] == etag}
    new = [name for name in listed if name not in entries]
    with ThreadPoolExecutor(THREADS, "verdicts") as pool:
        for name, found in zip(new, pool.map(lambda name: _believed(read, store, name), new), strict=True):
            if found is not None:
                entries[name] = listed[name], found
    if entries != known:
        catalog_file.save(file, view, entries)
    return {name: found for name, (_, found) in entries.items()}


def _believed(read: Callable[[ObjectStore, str], V | None], store: ObjectStore, name: str) -> V | None:
    try:
        return read(store, name)
    except Damaged:
        return None


def _name(found: StoredObject, prefix: str) -> str:
    return found.key.removeprefix(prefix).removesuffix(".json")
