"""license.gate: may this be done, and what is the job called? One request makes one job, or is refused once, however
often it comes."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas import events as e
from schemas import job as jobs
from schemas import keys, license
from schemas.application import Application
from schemas.errors import Code, Invalid, PermanentError
from schemas.job import Job
from schemas.messages import Message, brief, told
from schemas.records import (
    AppRef,
    BackupRejection,
    BackupRequest,
    Rejection,
    Request,
    RestoreRejection,
    RestoreRequest,
)
from workers.jobs import claims, endings, ledger, progress, rejections, restorable
from workers.jobs.applications import concerned, registered
from workers.manifests.capture.scope import scope_of, shipped_spec
from workers.ports import Cluster, Destinations, ObjectStore

Asked = TypeVar("Asked", e.BackupRequested, e.RestoreRequested)


@dataclass(frozen=True)
class GateNeeds:
    """What the gate needs to know."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    trusted_keys: Mapping[str, bytes]
    now: Callable[[], datetime]


def backup_requested(event: e.CloudEvent[e.BackupRequested], sender: str, needs: GateNeeds) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none."""
    asked, request = event.data, jobs.request_uuid(event.source, event.id)
    store = needs.destinations.store(asked.destination)
    job = _find(store, "backup", asked.app or "instance", request)
    if (answer := _answered(store, event, job, needs)) is not None:
        yield from answer
        return
    try:
        apps = concerned(registered(needs.cluster, needs.console_namespace), asked.app)
        admitted = _admitted(apps, needs)
        scope_of(needs.console_namespace, admitted.apps or apps, asked.app)  # raises Invalid for what cannot be done
    except Invalid as error:
        yield from _reject_backup(event, sender, [told(error)], needs)
        return
    if apps and not admitted.apps:
        yield from _reject_backup(event, sender, [*admitted.left_out, *admitted.notes], needs)
        return
    record = BackupRequest(
        name=job.name,
        request=request,
        event_id=event.id,
        sender=sender,
        requested_at=needs.now(),
        destination=asked.destination,
        app=asked.app,
        schedule=asked.schedule,
        apps=[_ref(app) for app in admitted.apps],
        left_out=admitted.left_out,
        notes=admitted.notes,
        claims=claims.of_backup(asked.app, [app.slug for app in admitted.apps]),
    )
    if _begin(store, job, record):
        yield from _first_step(store, job, request, needs)
    else:
        yield from backup_requested(event, sender, needs)  # another request has just taken the name


def restore_requested(event: e.CloudEvent[e.RestoreRequested], sender: str, needs: GateNeeds) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none. Licenses are noted, never a reason."""
    asked, request = event.data, jobs.request_uuid(event.source, event.id)
    store = needs.destinations.store(asked.destination)
    job = _find(store, "restore", asked.backup, request)
    if (answer := _answered(store, event, job, needs)) is not None:
        yield from answer
        return
    try:
        backup = restorable.usable(store, asked.backup)
        scope, app = restorable.scope_of(asked, backup)
    except Invalid as error:
        yield from _reject_restore(event, sender, [told(error)], needs)
        return
    record = RestoreRequest(
        name=job.name,
        request=request,
        event_id=event.id,
        sender=sender,
        requested_at=needs.now(),
        destination=asked.destination,
        notes=_notes(needs, app),
        backup=backup.name,
        scope=scope,
        app=app,
        keep_newer=asked.keep_newer,
        safety_snapshot=asked.safety_snapshot,
        claims=claims.of_restore(scope, app, [held.slug for held in backup.apps]),
    )
    if _begin(store, job, record):
        yield from _first_step(store, job, request, needs)
    else:
        yield from restore_requested(event, sender, needs)


def refuse_backup(
    event: e.CloudEvent[e.BackupRequested], sender: str, reason: Message, needs: GateNeeds
) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into. Without a store that takes it, there is no record."""
    try:
        yield from list(_reject_backup(event, sender, [reason], needs))
    except PermanentError:
        yield e.BackupRejected(request=event.id, app=event.data.app, reasons=[reason])


def refuse_restore(
    event: e.CloudEvent[e.RestoreRequested], sender: str, reason: Message, needs: GateNeeds
) -> Iterator[e.Event]:
    """As `refuse_backup`."""
    try:
        yield from list(_reject_restore(event, sender, [reason], needs))
    except PermanentError:
        yield e.RestoreRejected(request=event.id, backup=event.data.backup, reasons=[reason])


def _reject_backup(
    event: e.CloudEvent[e.BackupRequested], sender: str, reasons: list[Message], needs: GateNeeds
) -> Iterator[e.Event]:
    asked, request = event.data, jobs.request_uuid(event.source, event.id)
    store = needs.destinations.store(asked.destination)
    job = _find(store, "backup", asked.app or "instance", request)
    rejection = BackupRejection(
        name=job.name,
        request=request,
        event_id=event.id,
        sender=sender,
        rejected_at=needs.now(),
        destination=asked.destination,
        app=asked.app,
        schedule=asked.schedule,
        reasons=reasons,
    )
    yield from _reject(store, event, job, rejection, needs)


def _reject_restore(
    event: e.CloudEvent[e.RestoreRequested], sender: str, reasons: list[Message], needs: GateNeeds
) -> Iterator[e.Event]:
    asked, request = event.data, jobs.request_uuid(event.source, event.id)
    store = needs.destinations.store(asked.destination)
    job = _find(store, "restore", asked.backup, request)
    rejection = RestoreRejection(
        name=job.name,
        request=request,
        event_id=event.id,
        sender=sender,
        rejected_at=needs.now(),
        destination=asked.destination,
        backup=asked.backup,
        scope=asked.scope,
        app=asked.app,
        keep_newer=asked.keep_newer,
        safety_snapshot=asked.safety_snapshot,
        reasons=reasons,
    )
    yield from _reject(store, event, job, rejection, needs)


def _reject(
    store: ObjectStore, event: e.CloudEvent[Asked], job: Job, rejection: Rejection, needs: GateNeeds
) -> Iterator[e.Event]:
    """Records, then tells it. Another run, which came to another answer, may have made the job meanwhile: each writes
    before it looks, so one of them sees the other (see `_first_step`)."""
    standing = rejections.create(store, job, rejection)
    if _is_made(store, job, rejection.request):
        rejections.withdraw(store, job, rejection.request)
        yield from _known(store, event, job, needs)
    else:
        yield rejections.told(standing)


def _first_step(store: ObjectStore, job: Job, request: str, needs: GateNeeds) -> Iterator[e.Event]:
    """What leads to the first step of a new job. Where another run has just refused the request, the job ends before it
    has begun: nothing is done for a request that was told it is refused."""
    if (refused := rejections.find(store, job, request)) is None:
        yield from progress.missing(store, job)
        return
    reason = refused.reasons[0].model_copy(update={"text": brief(refused.reasons)})
    yield endings.fail(store, job, needs.now(), reason)


def _find(store: ObjectStore, kind: jobs.Kind, prefix: str, request: str) -> Job:
    """The request's job, made or not: the first name that is free or its own."""
    for attempt in itertools.count():
        job = jobs.asked_for(kind, prefix, request, attempt)
        found = _made(store, job)
        if found is None or found.request == request:
            return job
    raise AssertionError("itertools.count ends")


def _made(store: ObjectStore, job: Job) -> Request | None:
    return ledger.find(store, keys.request(job), BackupRequest if job.kind == "backup" else RestoreRequest)


def _is_made(store: ObjectStore, job: Job, request: str) -> bool:
    made = _made(store, job)
    return made is not None and made.request == request


def _begin(store: ObjectStore, job: Job, record: Request) -> bool:
    """Makes the job; False if another request has taken the name meanwhile."""
    ledger.begin(store, job)
    return ledger.create(store, keys.request(job), record).request == record.request


def _answered(store: ObjectStore, event: e.CloudEvent[Asked], job: Job, needs: GateNeeds) -> Iterable[e.Event] | None:
    """What a repeated request is told; None for one that has had no answer yet."""
    request = jobs.request_uuid(event.source, event.id)
    if _is_made(store, job, request):
        return _known(store, event, job, needs)
    refused = rejections.find(store, job, request)
    return [rejections.told(refused)] if refused else None


def _known(store: ObjectStore, event: e.CloudEvent[Asked], job: Job, needs: GateNeeds) -> Iterator[e.Event]:
    """What a repeated request is told of its job: how it ended, or the next step again."""
    if isinstance(event.data, e.BackupRequested) and ledger.deleted(store, job):
        text = f"this request made the backup {job.name}, which was deleted; a new backup needs a new event id"
        reason = Message(code=Code.BACKUP_DELETED, text=text, subject=job.name)
        yield e.BackupRejected(request=event.id, app=event.data.app, reasons=[reason])
        return
    said = progress.settled(store, job, needs.now())
    yield from progress.missing(store, job) if said is None else said


@dataclass(frozen=True)
class _Admitted:
    """Who may be in a backup. `left_out` says why others may not; `notes` is of those that bring nothing of their own
    to a backup anyway."""

    apps: list[Application]
    left_out: list[Message]
    notes: list[Message]


def _admitted(apps: list[Application], needs: GateNeeds) -> _Admitted:
    """One application's license, or its broken Backup, is no reason to leave the others without a backup."""
    admitted = _Admitted([], [], [])
    for app in apps:
        refusal, ships = _refusal(app, needs), True
        try:
            ships = shipped_spec(app) is not None
        except Invalid as error:
            refusal = refusal or told(error)
        if refusal is None:
            admitted.apps.append(app)
        else:
            (admitted.left_out if ships else admitted.notes).append(refusal)
    return admitted


def _ref(app: Application) -> AppRef:
    return AppRef(slug=app.slug, name=app.name, version=app.version, sequence=app.sequence)


def _refusal(app: Application, needs: GateNeeds) -> Message | None:
    """Why the application's license does not allow backups, if it does not."""
    verdict = license.verdict(app.license, needs.trusted_keys, needs.now(), app.slug)
    if verdict.allowed:
        return None
    text = f"application {app.slug}: {verdict.reason} ({verdict.code})"
    return Message(code=Code.LICENSE_REFUSED, text=text, subject=app.slug)


def _notes(needs: GateNeeds, slug: str | None) -> list[Message]:
    """What licenses say today. An application that is gone, or cannot be read, is no reason not to restore it."""
    try:
        apps = [app for app in registered(needs.cluster, needs.console_namespace) if slug in (None, app.slug)]
    except Invalid as error:
        return [told(error)]
    return [
        refusal.model_copy(update={"text": f"{refusal.text}; it is restored all the same"})
        for app in apps
        if (refusal := _refusal(app, needs))
    ]
