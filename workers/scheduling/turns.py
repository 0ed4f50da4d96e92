"""A scheduled backup does not run beside another of the same: it is postponed until that has ended."""

from schemas import keys
from schemas.job import Job, backup, snapshot_of
from schemas.records import BackupRequest
from workers.jobs import ledger, requests
from workers.ports import ObjectStore


def same_before(store: ObjectStore, job: Job, request: BackupRequest) -> Job | None:
    """The backup of the same (one application, or everything) that a scheduled one waits for: one that was asked for
    earlier and has not ended. None for a backup that nobody scheduled, and once it was let in."""
    if request.due is None or ledger.exists(store, keys.turn(job)):
        return None
    prefixes = (f"{requests.of_backup(request.app)}-", "backup-")  # the latter where the former can begin no name
    for found in store.list(keys.running_of("backup")):
        other = keys.parse_running(found.key)
        if other == job or not other.name.startswith(prefixes) or snapshot_of(other):
            continue
        asked = ledger.find(store, keys.request(other), BackupRequest)
        if asked is None or asked.app != request.app or ledger.exists(store, keys.final(other)):
            continue
        if (asked.requested_at, asked.name) < (request.requested_at, request.name):
            return backup(asked.name)
    return None
