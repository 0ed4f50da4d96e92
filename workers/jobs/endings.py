"""How jobs end: the final record is written once, the running marker goes, the record's event is told.

A restore's marker stays until what it left in the cluster is cleared away, which the event leads to."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged
from schemas.job import Job, backup, restore
from schemas.messages import Message, summary, told
from schemas.records import (
    BackupPlan,
    BackupRecord,
    BackupRequest,
    Request,
    RestorePlan,
    RestoreRecord,
    RestoreRequest,
    Status,
)
from workers.jobs import claims, ledger, owners
from workers.jobs.hooks import states
from workers.ports import ObjectStore

T = TypeVar("T")

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
CANCELLED_BACKUP = Message(code=Code.CANCELLED, text="cancelled on request")
CANCELLED_RESTORE = Message(code=Code.CANCELLED, text="cancelled on request; what was restored so far stays")


def backup_ended(record: BackupRecord) -> e.BackupFinal:
    """The event of a final record."""
    return _BACKUP_EVENTS[record.status](
        backup=record.name,
        destination=record.destination,
        app=record.app,
        errors=len(record.errors),
        warnings=len(record.warnings),
        reason=_reason(record.reason, record.errors),
    )


def restore_ended(record: RestoreRecord) -> e.RestoreFinal:
    """The event of a final record."""
    return _RESTORE_EVENTS[record.status](
        restore=record.name,
        destination=record.destination,
        backup=record.backup,
        errors=len(record.errors),
        warnings=len(record.warnings),
        test=record.test is not None,
        reason=_reason(record.reason, record.errors),
    )


def ended(store: ObjectStore, job: Job) -> e.BackupFinal | e.RestoreFinal | None:
    """The event of the job's final record; None while it has none."""
    if job.kind == "backup":
        found = ledger.finished_backup(store, job.name)
        return backup_ended(found) if found else None
    finished = ledger.finished_restore(store, job.name)
    return restore_ended(finished) if finished else None


def finish_backup(store: ObjectStore, record: BackupRecord, request: BackupRequest) -> e.BackupFinal:
    """Ends a backup; if another run ended it first, that ending stands."""
    job = backup(record.name)
    standing = ledger.create(store, keys.final(job), record)
    _close(store, job, request)
    return backup_ended(standing)


def finish_restore(store: ObjectStore, record: RestoreRecord) -> e.RestoreFinal:
    """Ends a restore; if another run ended it first, that ending stands."""
    return restore_ended(ledger.create(store, keys.final(restore(record.name)), record))


def close(store: ObjectStore, job: Job) -> None:
    """Lets others have what the job has claimed, and takes the mark of a running job away. Comes after the final
    record; safe to repeat, also for claims that a step which was held up has made since."""
    model = BackupRequest if job.kind == "backup" else RestoreRequest
    _close(store, job, ledger.find(store, keys.request(job), model))


def _close(store: ObjectStore, job: Job, request: Request | None) -> None:
    if request is not None:
        claims.release(store, job, request.claims)
    store.delete(keys.running(job))


def fail(store: ObjectStore, job: Job, now: datetime, reason: Message) -> e.BackupFinal | e.RestoreFinal:
    """Ends a job that cannot go on: a backup of which nothing can be used, a restore before its time."""
    return _stop(store, job, now, reason, "Failed")


def cancel(store: ObjectStore, job: Job, now: datetime) -> e.BackupFinal | e.RestoreFinal:
    """Ends a job that has a cancel marker. What a restore has created stays."""
    return _stop(store, job, now, CANCELLED_BACKUP if job.kind == "backup" else CANCELLED_RESTORE, "Cancelled")


def _stop(
    store: ObjectStore, job: Job, now: datetime, reason: Message, status: Status
) -> e.BackupFinal | e.RestoreFinal:
    errors = [reason] if status == "Failed" else []
    if job.kind == "backup":
        request = ledger.read(store, keys.request(job), BackupRequest)
        return finish_backup(store, _stopped_backup(store, job, request, now, reason, status, errors), request)
    return finish_restore(store, _stopped_restore(store, job, now, reason, status, errors))


def _stopped_backup(
    store: ObjectStore,
    job: Job,
    request: BackupRequest,
    now: datetime,
    reason: Message,
    status: Status,
    errors: list[Message],
) -> BackupRecord:
    doubts: list[Message] = []
    plan = _believed(lambda: ledger.find(store, keys.plan(job), BackupPlan), doubts)
    hooks = _believed(lambda: list(states(store, job)), doubts) or []
    frozen = [_owing(pod) for pod, state in hooks if state.owes]
    return BackupRecord(
        name=job.name,
        request=request.request,
        destination=request.destination,
        status=status,
        app=request.app,
        schedule=request.schedule,
        apps=request.apps,
        requested_at=request.requested_at,
        completed_at=now,
        expires_at=request.expires_at,
        manifest=plan.manifest if plan else None,
        hooks=[result for _, state in hooks for result in state.results],
        errors=[*errors, *doubts, *(error for _, state in hooks for error in state.errors), *frozen],
        warnings=[warning for _, state in hooks for warning in state.warnings],
        reason=reason,
    )


def _believed(look: Callable[[], T], doubts: list[Message]) -> T | None:
    """What `look` finds in records of a job that ends. Where these cannot be believed it ends all the same; adds to
    `doubts` why, once for each record."""
    try:
        return look()
    except Damaged as error:
        if (doubt := told(error)) not in doubts:
            doubts.append(doubt)
        return None


def _owing(pod: str) -> Message:
    text = (
        f"Pod {pod}: its hooks after the copy have not been run; what those before it have done is not undone. They "
        "are run after the end of the backup, if that is possible"
    )
    return Message(code=Code.HOOK_NOT_RUN, text=text, subject=pod)


def _stopped_restore(
    store: ObjectStore, job: Job, now: datetime, reason: Message, status: Status, errors: list[Message]
) -> RestoreRecord:
    request = ledger.read(store, keys.request(job), RestoreRequest)
    doubts: list[Message] = []
    plan = _believed(lambda: ledger.find(store, keys.plan(job), RestorePlan), doubts)
    left = _believed(lambda: list(owners.left_unfinished(store, job, plan)) if plan else [], doubts)
    return RestoreRecord(
        name=job.name,
        request=request.request,
        destination=request.destination,
        backup=request.backup,
        scope=request.scope,
        app=request.app,
        status=status,
        requested_at=request.requested_at,
        completed_at=now,
        snapshot=plan.snapshot if plan else None,
        namespace_mapping=request.namespace_mapping,
        test=request.test,
        errors=[*errors, *doubts],
        warnings=left or [],
        reason=reason,
    )


def _reason(reason: Message | None, errors: Sequence[Message]) -> Message | None:
    """What an event says of the whole: the record's own reason, else its errors in short."""
    return summary([reason] if reason else errors)
