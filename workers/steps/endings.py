"""How jobs end: the final record is written once, the running mark goes, the record's event is told."""

from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.records import BackupPlan, BackupRecord, BackupRequest, RestoreRecord, RestoreRequest, Status
from workers import ledger
from workers.ports import ObjectStore

LONGEST_REASON = 2000
"""Characters of a reason in an event; the record keeps all of it."""

_BACKUP_EVENTS: dict[Status, type[e.BackupFinal]] = {
    "Completed": e.BackupCompleted,
    "PartiallyFailed": e.BackupPartiallyFailed,
    "Failed": e.BackupFailed,
    "Cancelled": e.BackupCancelled,
}
_RESTORE_EVENTS: dict[Status, type[e.RestoreFinal]] = {
    "Completed": e.RestoreCompleted,
    "PartiallyFailed": e.RestorePartiallyFailed,
    "Failed": e.RestoreFailed,
    "Cancelled": e.RestoreCancelled,
}


def brief(*reasons: str) -> str:
    """Reasons as one line that fits an event."""
    return "; ".join(reasons)[:LONGEST_REASON]


def backup_ended(record: BackupRecord) -> e.BackupFinal:
    """The event of a final record."""
    return _BACKUP_EVENTS[record.status](
        backup=record.name,
        app=record.app,
        errors=len(record.errors),
        warnings=len(record.warnings),
        reason=brief(record.reason or brief(*record.errors)),
    )


def restore_ended(record: RestoreRecord) -> e.RestoreFinal:
    """The event of a final record."""
    return _RESTORE_EVENTS[record.status](
        restore=record.name,
        backup=record.backup,
        errors=len(record.errors),
        warnings=len(record.warnings),
        reason=brief(record.reason or brief(*record.errors)),
    )


def finish_backup(store: ObjectStore, record: BackupRecord) -> e.BackupFinal:
    """Ends a backup; if another run ended it first, that ending stands."""
    standing = ledger.create(store, keys.final("backups", record.name), record)
    ledger.end(store, "backups", record.name)
    return backup_ended(standing)


def finish_restore(store: ObjectStore, record: RestoreRecord) -> e.RestoreFinal:
    """Ends a restore; if another run ended it first, that ending stands."""
    standing = ledger.create(store, keys.final("restores", record.name), record)
    ledger.end(store, "restores", record.name)
    return restore_ended(standing)


def stop_backup(store: ObjectStore, name: str, now: datetime, reason: str, status: Status = "Failed") -> e.BackupFinal:
    """Ends a backup without a usable snapshot."""
    request = ledger.read(store, keys.request("backups", name), BackupRequest)
    plan = ledger.find(store, keys.plan("backups", name), BackupPlan)
    return finish_backup(
        store,
        BackupRecord(
            name=name,
            request=request.request,
            status=status,
            app=request.app,
            schedule=request.schedule,
            apps=request.apps,
            requested_at=request.requested_at,
            completed_at=now,
            manifest=plan.manifest if plan else None,
            errors=[reason] if status == "Failed" else [],
            reason=reason,
        ),
    )


def stop_restore(
    store: ObjectStore, name: str, now: datetime, reason: str, status: Status = "Failed"
) -> e.RestoreFinal:
    """Ends a restore before its time."""
    request = ledger.read(store, keys.request("restores", name), RestoreRequest)
    return finish_restore(
        store,
        RestoreRecord(
            name=name,
            request=request.request,
            backup=request.backup,
            scope=request.scope,
            app=request.app,
            status=status,
            requested_at=request.requested_at,
            completed_at=now,
            errors=[reason] if status == "Failed" else [],
            reason=reason,
        ),
    )


def cancel_backup(store: ObjectStore, name: str, now: datetime) -> e.BackupFinal:
    """Ends a backup that has a cancel marker."""
    return stop_backup(store, name, now, "cancelled on request", "Cancelled")


def cancel_restore(store: ObjectStore, name: str, now: datetime) -> e.RestoreFinal:
    """Ends a restore that has a cancel marker. What it has created stays."""
    return stop_restore(store, name, now, "cancelled on request; what was restored so far stays", "Cancelled")
