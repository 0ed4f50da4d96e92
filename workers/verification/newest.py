"""The newest good backup: of an application, or of everything."""

from collections.abc import Iterator
from contextlib import suppress

from schemas import keys
from schemas.errors import Damaged
from schemas.job import snapshot_of
from schemas.records import BackupRecord
from workers.jobs import ledger
from workers.ports import ObjectStore


def newest_good(store: ObjectStore, app: str | None) -> BackupRecord | None:
    """The newest backup that holds `app`, or the newest full one, that is Completed; where there is none, the newest
    that can be restored. No safety snapshot: that is of what is about to be replaced."""
    partial = None
    for record in _newest_first(store):
        if app not in (record.app, *([] if record.app else [held.slug for held in record.apps])):
            continue
        if record.status == "Completed":
            return record
        if record.status == "PartiallyFailed" and partial is None:
            partial = record
    return partial


def _newest_first(store: ObjectStore) -> Iterator[BackupRecord]:
    for found in sorted(store.list(keys.finals_of("backup")), key=lambda found: found.modified, reverse=True):
        job = keys.parse_final(found.key)
        if job is None or snapshot_of(job) or ledger.deleted(store, job):
            continue
        with suppress(Damaged):  # that one is not good
            if (record := ledger.find(store, found.key, BackupRecord)) is not None:
                yield record
