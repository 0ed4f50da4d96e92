"""repository.maintain: deletes backups, reclaims space, verifies."""

from collections.abc import Iterator

from schemas import events as e
from schemas import keys
from schemas.errors import PermanentError
from schemas.records import BackupRecord, RestoreRequest, Tombstone
from workers import ledger
from workers.ports import ObjectStore, Repository
from workers.steps.endings import brief


def delete(
    event: e.CloudEvent[e.BackupDeleteRequested], store: ObjectStore, repository: Repository
) -> Iterator[e.Event]:
    """Deletes the record first, then its volumes and the rest, then what nothing else refers to. The request stays,
    as a tombstone."""
    name = event.data.backup
    if reason := _why_not(store, name):
        yield e.BackupDeleteFailed(backup=name, reason=reason)
        return
    tombstone = keys.deleted("backups", name)
    if not ledger.exists(store, tombstone):
        record = ledger.read(store, keys.final("backups", name), BackupRecord)
        ledger.put(store, tombstone, Tombstone(volumes=[volume.volume for volume in record.volumes]))
    store.delete(keys.final("backups", name))
    repository.forget(ledger.read(store, tombstone, Tombstone).volumes)
    staying = {keys.request("backups", name), keys.deleted("backups", name)}
    for found in list(store.list(keys.job("backups", name))):
        if found.key not in staying:
            store.delete(found.key)
    yield e.BackupDeleted(backup=name, reclaimed_bytes=repository.prune(lambda: ledger.volumes_in_use(store)))


def prune(
    event: e.CloudEvent[e.RepositoryPruneRequested], store: ObjectStore, repository: Repository
) -> Iterator[e.Event]:
    """Reclaims what no backup refers to."""
    yield e.RepositoryPruned(request=event.id, reclaimed_bytes=repository.prune(lambda: ledger.volumes_in_use(store)))


def verify(
    event: e.CloudEvent[e.BackupVerifyRequested], store: ObjectStore, repository: Repository
) -> Iterator[e.Event]:
    """Reads a backup back: its manifest, and every byte of its volumes."""
    record = ledger.finished_backup(store, event.data.backup)
    problems = list(_problems(record, store, repository)) if record else ["there is no such backup"]
    yield e.BackupVerified(backup=event.data.backup, request=event.id, problems=[brief(p) for p in problems[:50]])


def _why_not(store: ObjectStore, name: str) -> str | None:
    if not keys.is_job_name(name) or not ledger.exists(store, keys.request("backups", name)):
        return f"there is no backup {name!r:.80}; `snapline get backups` lists them"
    if ledger.deleted(store, "backups", name):
        return None  # a second run finishes what the first began
    if not ledger.exists(store, keys.final("backups", name)):
        return f"backup {name} is not finished; `snapline cancel {name}` ends it"
    for found in store.list(keys.running("restores", "")):
        restore = found.key.rpartition("/")[2]
        request = ledger.find(store, keys.request("restores", restore), RestoreRequest)
        if request and request.backup == name and not ledger.over(store, "restores", restore):
            return f"restore {restore} is using backup {name}; wait for it, or `snapline cancel {restore}`"
    return None


def _problems(record: BackupRecord, store: ObjectStore, repository: Repository) -> Iterator[str]:
    if record.manifest:
        try:
            repository.unseal(store.get(record.manifest), record.manifest)
        except PermanentError as error:
            yield str(error)
    for volume in record.volumes:
        for problem in repository.verify(volume.volume):
            yield f"{volume.namespace}/{volume.pod}, volume {volume.name}: {problem}"


def not_deleted(event: e.CloudEvent[e.BackupDeleteRequested], reason: str) -> Iterator[e.Event]:
    """The answer to a deletion that failed for good."""
    yield e.BackupDeleteFailed(backup=event.data.backup, reason=brief(reason))


def not_verified(event: e.CloudEvent[e.BackupVerifyRequested], reason: str) -> Iterator[e.Event]:
    """The answer to a verification that failed for good."""
    yield e.BackupVerified(backup=event.data.backup, request=event.id, problems=[brief(reason)])
