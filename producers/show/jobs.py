"""Backups and restores as plain rows, from the records in the object store."""

from collections.abc import Iterator
from typing import Any

from schemas import keys
from schemas.errors import NotFound
from schemas.records import BackupRecord, BackupRequest, RestoreRecord, RestoreRequest, decode
from workers.ports import ObjectStore

Row = dict[str, Any]
BACKUP_COLUMNS = ("name", "status", "app", "objects", "volumes", "size", "errors", "requested_at")
RESTORE_COLUMNS = ("name", "status", "backup", "scope", "objects", "bytes", "errors", "requested_at")


def kind_of(store: ObjectStore, name: str) -> keys.Kind:
    """Whether `name` is a backup or a restore. Raises NotFound."""
    kinds: tuple[keys.Kind, ...] = ("backups", "restores")
    for kind in kinds:
        if keys.is_job_name(name) and any(store.list(keys.request(kind, name))):
            return kind
    raise NotFound(f"there is no backup or restore called {name!r:.80}; `snapline get backups` lists them")


def jobs(store: ObjectStore, kind: keys.Kind) -> Iterator[Row]:
    """All jobs of a kind, by name; those that run, too. Deleted ones are left out."""
    there = {found.key for found in store.list(f"{kind}/")}
    for key in sorted(there):
        name = key.split("/")[1]
        if key == keys.request(kind, name) and keys.deleted(kind, name) not in there:
            yield finished(store, kind, name) if keys.final(kind, name) in there else _running(store, kind, name)


def job(store: ObjectStore, kind: keys.Kind, name: str) -> Row:
    """One job, with all that its record says. Raises NotFound."""
    if not keys.is_job_name(name) or any(store.list(keys.deleted(kind, name))):
        raise NotFound(f"there is no {kind[:-1]} {name!r:.80}; `snapline get {kind}` lists them")
    try:
        return finished(store, kind, name, full=True)
    except NotFound:
        return _running(store, kind, name)


def finished(store: ObjectStore, kind: keys.Kind, name: str, *, full: bool = False) -> Row:
    """One job that has ended. Raises NotFound."""
    body = store.get(keys.final(kind, name))
    if kind == "backups":
        return _backup(decode(BackupRecord, name, body), full=full)
    return _restore(decode(RestoreRecord, name, body), full=full)


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
        "reason": record.reason or "; ".join(record.errors[:5]),
    }
    if full:
        kept = ("namespace", "pod", "name", "claim", "scanned_bytes", "changed_bytes", "uploaded_bytes", "files")
        row["volumes"] = [{key: getattr(volume, key) for key in kept} for volume in record.volumes]
        row |= {"errors": record.errors, "warnings": record.warnings}
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
        "reason": record.reason or "; ".join(record.errors[:5]),
    }
    return row | ({"errors": record.errors, "warnings": record.warnings} if full else {})


def _running(store: ObjectStore, kind: keys.Kind, name: str) -> Row:
    model = BackupRequest if kind == "backups" else RestoreRequest
    try:
        request = decode(model, name, store.get(keys.request(kind, name)))
    except NotFound:
        raise NotFound(f"there is no {kind[:-1]} {name!r:.80}; `snapline get {kind}` lists them") from None
    cancelled = any(store.list(keys.cancel(kind, name)))
    return {
        "name": name,
        "status": "Cancelling" if cancelled else "InProgress",
        **{field: getattr(request, field) for field in ("app", "backup", "scope") if hasattr(request, field)},
        "requested_at": request.requested_at.isoformat(),
        "notes": request.notes,
    }
