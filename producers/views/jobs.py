"""Backups and restores as people see them, from their records in the object store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from producers.views import volumes
from producers.views.volumes import VolumeView
from schemas import keys, records
from schemas.errors import Code, NotFound
from schemas.events import Scope
from schemas.job import KINDS, Job, is_name
from schemas.job import backup as backup_called
from schemas.job import restore as restore_called
from schemas.messages import Message
from schemas.records import BackupRecord, BackupRequest, Queued, RestoreRecord, RestoreRequest
from workers.jobs import ledger
from workers.ports import ObjectStore

Status = records.Status | Literal["Queued", "InProgress", "Cancelling"]
REASONS = 5
"""Errors that are given as the reason where the record has none."""


@dataclass(frozen=True)
class BackupView:
    """One backup as a list shows it: numbers of things, and sizes in bytes. `completed_at` is None while it is under
    way; then the numbers are not known, and 0."""

    name: str
    status: Status
    destination: str
    app: str | None
    apps: tuple[str, ...]
    schedule: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    objects: int = 0
    volumes: int = 0
    size: int = 0
    uploaded_bytes: int = 0
    errors: int = 0
    warnings: int = 0
    reason: Message | None = None
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class RestoreView:
    """One restore as a list shows it; as `BackupView`."""

    name: str
    status: Status
    destination: str
    backup: str
    scope: Scope
    app: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    files: int = 0
    errors: int = 0
    warnings: int = 0
    reason: Message | None = None
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class BackupDetails:
    """All that is known of one backup."""

    view: BackupView
    volumes: tuple[VolumeView, ...] = ()
    errors: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True)
class RestoreDetails:
    """All that is known of one restore."""

    view: RestoreView
    errors: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()


def find(store: ObjectStore, name: str) -> Job:
    """The backup or restore called `name`. Raises NotFound."""
    for kind in KINDS:
        if is_name(name) and ledger.exists(store, keys.request(Job(kind, name))):
            return Job(kind, name)
    raise NotFound(f"there is no backup or restore called {name!r:.80}", code=Code.NO_SUCH_JOB)


def has_ended(store: ObjectStore, job: Job) -> bool:
    """Whether the job has its final record."""
    return ledger.exists(store, keys.final(job))


def backup(store: ObjectStore, name: str) -> BackupDetails:
    """One backup. Raises NotFound, Damaged."""
    job = backup_called(name)
    _refuse_unknown(store, job)
    if record := ledger.finished_backup(store, name):
        return BackupDetails(
            view=ended_backup(record),
            volumes=tuple(map(volumes.view, record.volumes)),
            errors=tuple(record.errors),
            warnings=tuple(record.warnings),
        )
    if view := running_backup(store, name):
        return BackupDetails(view)
    raise _unknown(job)


def restore(store: ObjectStore, name: str) -> RestoreDetails:
    """One restore. Raises NotFound, Damaged."""
    job = restore_called(name)
    _refuse_unknown(store, job)
    if record := ledger.finished_restore(store, name):
        return RestoreDetails(ended_restore(record), tuple(record.errors), tuple(record.warnings))
    if view := running_restore(store, name):
        return RestoreDetails(view)
    raise _unknown(job)


def ended_backup(record: BackupRecord) -> BackupView:
    """A backup with a final record."""
    return BackupView(
        name=record.name,
        status=record.status,
        destination=record.destination,
        app=record.app,
        apps=tuple(app.slug for app in record.apps),
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
    )


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
        schedule=request.schedule,
        requested_at=request.requested_at,
        notes=(*request.notes, *_behind(store, job)),
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
        notes=(*request.notes, *_behind(store, job)),
    )


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


def _refuse_unknown(store: ObjectStore, job: Job) -> None:
    if not is_name(job.name) or ledger.deleted(store, job):
        raise _unknown(job)


def _unknown(job: Job) -> NotFound:
    code = Code.NO_SUCH_BACKUP if job.kind == "backup" else Code.NO_SUCH_JOB
    return NotFound(f"there is no {job.kind} {job.name!r:.80}", code=code)
