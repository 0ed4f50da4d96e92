"""Backups and restores as plain rows, from the records in the object store."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from schemas import keys
from schemas.errors import Code, NotFound
from schemas.job import KINDS, Job, Kind, is_name
from schemas.messages import Message
from schemas.records import BackupRecord, BackupRequest, RestoreRecord, RestoreRequest, decode
from workers.ports import ObjectStore

Row = dict[str, Any]
BACKUP_COLUMNS = ("name", "status", "app", "objects", "volumes", "size", "errors", "requested_at")
RESTORE_COLUMNS = ("name", "status", "backup", "scope", "objects", "bytes", "errors", "requested_at")


def find(store: ObjectStore, name: str) -> Job:
    """The backup or restore called `name`. Raises NotFound."""
    for kind in KINDS:
        if is_name(name) and any(store.list(keys.request(Job(kind, name)))):
            return Job(kind, name)
    raise NotFound(f"there is no backup or restore called {name!r:.80}", code=Code.NO_SUCH_JOB)


def jobs(store: ObjectStore, kind: Kind) -> Iterator[Row]:
    """All jobs of a kind, by name; those that run, too. Deleted ones are left out."""
    running = {keys.parse_running(found.key) for found in store.list(keys.running_of(kind))}
    ended = {job for found in store.list(keys.finals_of(kind)) if (job := keys.parse_final(found.key))}
    for one in sorted(running | ended):
        with suppress(NotFound):  # its request comes after its marker; or it was just deleted
            yield finished(store, one) if one in ended else _running(store, one)


def job(store: ObjectStore, one: Job) -> Row:
    """One job, with all that its record says. Raises NotFound."""
    if not is_name(one.name) or any(store.list(keys.deleted(one))):
        raise _unknown(one)
    try:
        return finished(store, one, full=True)
    except NotFound:
        return _running(store, one)


def finished(store: ObjectStore, one: Job, *, full: bool = False) -> Row:
    """One job that has ended. Raises NotFound."""
    body = store.get(keys.final(one))
    if one.kind == "backup":
        return _backup(decode(BackupRecord, one.name, body), full=full)
    return _restore(decode(RestoreRecord, one.name, body), full=full)


def _backup(record: BackupRecord, *, full: bool) -> Row:
    row: Row = {
        "name": record.name,
        "status": record.status,
        "app": record.app,
        "apps": [app.slug for app in record.apps],
        "schedule": record.schedule,
        "objects": record.objects,
        "volumes": len(record.volumes),
        "size": sum(volume.scanned_bytes for volume in record.volumes),
        "uploaded_bytes": sum(volume.uploaded_bytes for volume in record.volumes),
        "errors": len(record.errors),
        "warnings": len(record.warnings),
        "requested_at": record.requested_at.isoformat(),
        "completed_at": record.completed_at.isoformat(),
        "reason": str(record.reason or "; ".join(_texts(record.errors[:5]))),
    }
    if full:
        kept = ("namespace", "pod", "name", "claim", "scanned_bytes", "changed_bytes", "uploaded_bytes", "files")
        row["volumes"] = [{key: getattr(volume, key) for key in kept} for volume in record.volumes]
        row |= {"errors": _texts(record.errors), "warnings": _texts(record.warnings)}
    return row


def _restore(record: RestoreRecord, *, full: bool) -> Row:
    row: Row = {
        "name": record.name,
        "status": record.status,
        "backup": record.backup,
        "scope": record.scope,
        "app": record.app,
        "objects": record.objects,
        "bytes": record.bytes,
        "files": record.files,
        "errors": len(record.errors),
        "warnings": len(record.warnings),
        "requested_at": record.requested_at.isoformat(),
        "completed_at": record.completed_at.isoformat(),
        "reason": str(record.reason or "; ".join(_texts(record.errors[:5]))),
    }
    return row | ({"errors": _texts(record.errors), "warnings": _texts(record.warnings)} if full else {})


def _running(store: ObjectStore, one: Job) -> Row:
    model = BackupRequest if one.kind == "backup" else RestoreRequest
    try:
        request = decode(model, one.name, store.get(keys.request(one)))
    except NotFound:
        raise _unknown(one) from None
    cancelled = any(store.list(keys.cancel(one)))
    return {
        "name": one.name,
        "status": "Cancelling" if cancelled else "InProgress",
        **{field: getattr(request, field) for field in ("app", "backup", "scope") if hasattr(request, field)},
        "requested_at": request.requested_at.isoformat(),
        "notes": _texts(request.notes),
    }


def _unknown(one: Job) -> NotFound:
    code = Code.NO_SUCH_BACKUP if one.kind == "backup" else Code.NO_SUCH_JOB
    return NotFound(f"there is no {one.kind} {one.name!r:.80}", code=code)


def _texts(messages: Sequence[Message]) -> list[str]:
    return [str(message) for message in messages]
