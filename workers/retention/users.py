"""Who uses a finished backup just now, so that it may not be deleted: restores, and what reads it back or copies it."""

from collections.abc import Iterator

from schemas import job as jobs
from schemas import keys
from schemas.job import Job
from schemas.records import Record, RestoreRequest
from workers.jobs import endings, ledger
from workers.ports import ObjectStore


class _Use(Record):
    """Of a record of work on a backup, what is of interest here."""

    backup: str = ""
    finished: bool = False


def users(store: ObjectStore) -> dict[str, str]:
    """The names of backups that are in use, each with by whom."""
    restores = ((name, str(restore)) for name, restore in _restores(store))
    return dict([*_verifications(store), *_copies(store), *restores])


def restore_using(store: ObjectStore, name: str) -> Job | None:
    """The restore that uses the backup, if there is one."""
    return next((restore for used, restore in _restores(store) if used == name), None)


def _restores(store: ObjectStore) -> Iterator[tuple[str, Job]]:
    """What running restores use: what they restore from, and their safety snapshots."""
    for found in store.list(keys.running_of("restore")):
        restore = keys.parse_running(found.key)
        request = ledger.find(store, keys.request(restore), RestoreRequest)
        if request is not None and endings.ended(store, restore) is None:
            yield request.backup, restore
            yield jobs.safety_snapshot(restore).name, restore


def _copies(store: ObjectStore) -> Iterator[tuple[str, str]]:
    for found in store.list(keys.WANTED_COPIES):
        if known := keys.parse_copy(found.key):
            yield known[0].name, f"a copy to {known[2]}"


def _verifications(store: ObjectStore) -> Iterator[tuple[str, str]]:
    for found in store.list(keys.VERIFICATIONS):
        use = ledger.find(store, found.key, _Use)
        if use is not None and use.backup and not use.finished:
            yield use.backup, "a verification"
