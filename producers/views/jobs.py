"""Backups and restores as people see them, from their records in the object store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from producers.views import plans, verification, volumes
from producers.views.copies import standings
from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView, Status
from producers.views.standing import standing
from schemas import keys
from schemas.errors import Code, Damaged, NotFound
from schemas.job import KINDS, Job, is_name, snapshot_of
from schemas.job import backup as backup_called
from schemas.job import restore as restore_called
from schemas.messages import Message, told
from schemas.records import (
    BackupRecord,
    BackupRejection,
    BackupRequest,
    Queued,
    RestoreRecord,
    RestoreRejection,
    RestoreRequest,
)
from workers.jobs import ledger, owners, rejections
from workers.ports import ObjectStore
from workers.retention import holds

T = TypeVar("T")
REASONS = 5
"""Errors that are given as the reason where the record has none."""


def find(store: ObjectStore, name: str) -> Job:
    """The backup or restore called `name`. Raises NotFound."""
    jobs = [Job(kind, name) for kind in KINDS] if is_name(name) else []
    for job in jobs:
        if ledger.exists(store, keys.request(job)) or rejections.of_job(store, job):
            return job
    raise NotFound(f"there is no backup or restore called {name!r:.80}", code=Code.NO_SUCH_JOB)


def has_ended(store: ObjectStore, job: Job) -> bool:
    """Whether the job has its final record, or its request was rejected."""
    if ledger.exists(store, keys.final(job)):
        return True
    return not ledger.exists(store, keys.request(job)) and rejections.of_job(store, job) is not None


def backup(store: ObjectStore, name: str) -> BackupDetails:
    """One backup. Raises NotFound, Damaged."""
    job = backup_called(name)
    _refuse_unknown(store, job)
    hold = holds.held(store, job)
    if record := ledger.finished_backup(store, name):
        unsure: list[Message] = []
        verified = _doubted(lambda: verification.verified_of(store, job), unsure)
        tested = _doubted(lambda: verification.tested_of(store, job), unsure)
        copies = _doubted(lambda: standings.of_one(store, job), unsure) or ()
        checked, tests = verification.checked(verified), verification.tested(tested)
        return BackupDetails(
            view=replace(ended_backup(record), held=hold is not None, checked=checked, tested=tests, copies=copies),
            verifications=verification.verifications(verified),
            hold=hold,
            volumes=tuple(map(volumes.view, record.volumes)),
            hooks=tuple(record.hooks),
            errors=tuple(record.errors),
            warnings=(*record.warnings, *unsure),
        )
    if view := running_backup(store, name):
        doubts: list[Message] = []
        far = _doubted(lambda: standing(store, job), doubts)
        view = replace(view, notes=(*view.notes, *doubts), held=hold is not None)
        return BackupDetails(view, standing=far, hold=hold)
    if isinstance(rejection := rejections.of_job(store, job), BackupRejection):
        return BackupDetails(rejected_backup(rejection))
    raise _unknown(job)


def restore(store: ObjectStore, name: str) -> RestoreDetails:
    """One restore. Raises NotFound, Damaged."""
    job = restore_called(name)
    _refuse_unknown(store, job)
    doubts: list[Message] = []
    if record := ledger.finished_restore(store, name):
        plan = _doubted(lambda: plans.plan(store, name), doubts)
        lacking = _doubted(lambda: tuple(owners.lacking(store, job)), doubts) or ()
        return RestoreDetails(
            view=ended_restore(record),
            plan=plan,
            hooks=tuple(record.hooks),
            errors=(*record.errors, *lacking, *doubts),
            warnings=tuple(record.warnings),
        )
    if view := running_restore(store, name):
        plan = _doubted(lambda: plans.plan(store, name), doubts)
        far = _doubted(lambda: standing(store, job), doubts)
        view = replace(view, notes=(*view.notes, *doubts), snapshot=plan.snapshot if plan else None)
        return RestoreDetails(view, plan, standing=far)
    if isinstance(rejection := rejections.of_job(store, job), RestoreRejection):
        return RestoreDetails(rejected_restore(rejection))
    raise _unknown(job)


def ended_backup(record: BackupRecord) -> BackupView:
    """A backup with a final record."""
    return BackupView(
        name=record.name,
        status=record.status,
        destination=record.destination,
        app=record.app,
        apps=tuple(app.slug for app in record.apps),
        sequences=tuple(app.sequence for app in record.apps),
        schedule=record.schedule,
        requested_at=record.requested_at,
        completed_at=record.completed_at,
        objects=record.objects,
        volumes=len(record.volumes),
        size=sum(volume.scanned_bytes for volume in record.volumes),
        uploaded_bytes=sum(volume.uploaded_bytes for volume in record.volumes),
        errors=len(record.errors),
        warnings=len(record.warnings),
        reason=record.reason or _reason(record.errors),
        snapshot_of=_snapshot_of(record.name),
        expires_at=record.expires_at,
        copied_from=record.copied_from,
    )


def ended_restore(record: RestoreRecord) -> RestoreView:
    """A restore with a final record."""
    return RestoreView(
        name=record.name,
        status=record.status,
        destination=record.destination,
        backup=record.backup,
        scope=record.scope,
        app=record.app,
        requested_at=record.requested_at,
        completed_at=record.completed_at,
        objects=record.objects,
        bytes=record.bytes,
        files=record.files,
        errors=len(record.errors),
        warnings=len(record.warnings),
        reason=record.reason or _reason(record.errors),
        snapshot=record.snapshot,
        test=record.test is not None,
        restore_seconds=(record.ready_at - record.requested_at).total_seconds() if record.ready_at else None,
    )


def rejected_backup(rejection: BackupRejection) -> BackupView:
    """A request that was refused, in the place of its backup."""
    return BackupView(
        name=rejection.name,
        status="Rejected",
        destination=rejection.destination,
        app=rejection.app,
        apps=(),
        schedule=rejection.schedule,
        requested_at=rejection.rejected_at,
        request=rejection.event_id,
        reasons=tuple(rejection.reasons),
    )


def rejected_restore(rejection: RestoreRejection) -> RestoreView:
    """A request that was refused, in the place of its restore."""
    return RestoreView(
        name=rejection.name,
        status="Rejected",
        destination=rejection.destination,
        backup=rejection.backup,
        scope=rejection.scope,
        app=rejection.app,
        requested_at=rejection.rejected_at,
        request=rejection.event_id,
        reasons=tuple(rejection.reasons),
    )


def unreadable_backup(name: str, at: datetime, reason: Message) -> BackupView:
    """A backup whose record cannot be believed."""
    return BackupView(name, "Unreadable", "", None, (), None, at, errors=1, reason=reason)


def unreadable_restore(name: str, at: datetime, reason: Message) -> RestoreView:
    """A restore whose record cannot be believed."""
    return RestoreView(name, "Unreadable", "", "", "full", None, at, errors=1, reason=reason)


def running_backup(store: ObjectStore, name: str) -> BackupView | None:
    """A backup that is under way; None if nobody has asked for it."""
    job = backup_called(name)
    request = ledger.find(store, keys.request(job), BackupRequest)
    if request is None:
        return None
    return BackupView(
        name=request.name,
        status=_running_status(store, job),
        destination=request.destination,
        app=request.app,
        apps=tuple(app.slug for app in request.apps),
        sequences=tuple(app.sequence for app in request.apps),
        schedule=request.schedule,
        requested_at=request.requested_at,
        notes=(*request.notes, *_behind(store, job)),
        snapshot_of=_snapshot_of(name),
        expires_at=request.expires_at,
    )


def running_restore(store: ObjectStore, name: str) -> RestoreView | None:
    """A restore that is under way; None if nobody has asked for it."""
    job = restore_called(name)
    request = ledger.find(store, keys.request(job), RestoreRequest)
    if request is None:
        return None
    return RestoreView(
        name=request.name,
        status=_running_status(store, job),
        destination=request.destination,
        backup=request.backup,
        scope=request.scope,
        app=request.app,
        requested_at=request.requested_at,
        test=request.test is not None,
        notes=(*request.notes, *_behind(store, job)),
    )


def _doubted(look: Callable[[], T], doubts: list[Message]) -> T | None:
    """What `look` finds beside a job's own record; adds to `doubts` why that cannot be believed."""
    try:
        return look()
    except Damaged as error:
        doubts.append(told(error))
        return None


def _running_status(store: ObjectStore, job: Job) -> Status:
    if ledger.cancelled(store, job):
        return "Cancelling"
    return "Queued" if _behind(store, job) else "InProgress"


def _behind(store: ObjectStore, job: Job) -> tuple[Message, ...]:
    """What the job waits in line for, if it does."""
    queued = ledger.find(store, keys.queued(job), Queued)
    if queued is None or ledger.exists(store, keys.turn(job)):
        return ()
    text = f"waiting in line behind {queued.behind} since {queued.since:%H:%M:%S} UTC"
    return (Message(code=Code.NOT_YET, text=text, subject=queued.behind),)


def _reason(errors: Sequence[Message]) -> Message | None:
    text = "; ".join(map(str, errors[:REASONS]))
    return errors[0].model_copy(update={"text": text}) if errors else None


def _snapshot_of(name: str) -> str | None:
    restored = snapshot_of(backup_called(name))
    return restored.name if restored else None


def _refuse_unknown(store: ObjectStore, job: Job) -> None:
    if not is_name(job.name):
        raise _unknown(job)
    if ledger.deleted(store, job):
        raise _unknown(job, "; it was deleted")


def _unknown(job: Job, why: str = "") -> NotFound:
    code = Code.NO_SUCH_BACKUP if job.kind == "backup" else Code.NO_SUCH_JOB
    return NotFound(f"there is no {job.kind} {job.name!r:.80}{why}", code=code)
