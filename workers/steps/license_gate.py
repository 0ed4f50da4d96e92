"""license.gate: may this be done, and what is the job called? One request makes one job, however often it comes."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas import events as e
from schemas import job as jobs
from schemas import keys, license
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.job import Job
from schemas.messages import Message, told
from schemas.records import AppRef, BackupRecord, BackupRequest, Request, RestoreRequest
from workers.jobs import claims, ledger, progress
from workers.jobs.applications import concerned, registered
from workers.manifests.capture.scope import scope_of, shipped_spec
from workers.ports import Cluster, Destinations, ObjectStore

R = TypeVar("R", bound=Request)


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
    job, earlier = _find(store, "backup", asked.app or "instance", request, BackupRequest)
    if earlier:
        yield from _known_backup(store, event, job, needs)
        return
    try:
        apps = concerned(registered(needs.cluster, needs.console_namespace), asked.app)
        admitted = _admitted(apps, needs)
        scope_of(needs.console_namespace, admitted.apps or apps, asked.app)  # raises Invalid for what cannot be done
    except Invalid as error:
        yield e.BackupRejected(request=event.id, app=asked.app, reasons=[told(error)])
        return
    if apps and not admitted.apps:
        yield e.BackupRejected(request=event.id, app=asked.app, reasons=[*admitted.left_out, *admitted.notes])
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
        yield from progress.missing(store, job)
    else:
        yield from backup_requested(event, sender, needs)  # another request has just taken the name


def restore_requested(event: e.CloudEvent[e.RestoreRequested], sender: str, needs: GateNeeds) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none. Licenses are noted, never a reason."""
    asked, request = event.data, jobs.request_uuid(event.source, event.id)
    store = needs.destinations.store(asked.destination)
    job, earlier = _find(store, "restore", asked.backup, request, RestoreRequest)
    if earlier:
        yield from _known(store, job, needs)
        return
    try:
        backup = _usable(store, asked.backup)
        scope, app = _restore_scope(asked, backup)
    except Invalid as error:
        yield e.RestoreRejected(request=event.id, backup=asked.backup, reasons=[told(error)])
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
        claims=claims.of_restore(scope, app, [held.slug for held in backup.apps]),
    )
    if _begin(store, job, record):
        yield from progress.missing(store, job)
    else:
        yield from restore_requested(event, sender, needs)


def refuse_backup(event: e.CloudEvent[e.BackupRequested], reason: Message) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into."""
    yield e.BackupRejected(request=event.id, app=event.data.app, reasons=[reason])


def refuse_restore(event: e.CloudEvent[e.RestoreRequested], reason: Message) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into."""
    yield e.RestoreRejected(request=event.id, backup=event.data.backup, reasons=[reason])


def _find(store: ObjectStore, kind: jobs.Kind, prefix: str, request: str, model: type[R]) -> tuple[Job, R | None]:
    """The request's job, and its record if it has one: the first name that is free or its own."""
    for attempt in itertools.count():
        job = Job(kind, jobs.name_for(prefix, request, attempt))
        found = ledger.find(store, keys.request(job), model)
        if found is None or found.request == request:
            return job, found
    raise AssertionError("itertools.count ends")


def _begin(store: ObjectStore, job: Job, record: Request) -> bool:
    """Makes the job; False if another request has taken the name meanwhile."""
    ledger.begin(store, job)
    return ledger.create(store, keys.request(job), record).request == record.request


def _known_backup(
    store: ObjectStore, event: e.CloudEvent[e.BackupRequested], job: Job, needs: GateNeeds
) -> Iterator[e.Event]:
    """What a repeated request is told."""
    if ledger.deleted(store, job):
        text = f"this request made the backup {job.name}, which was deleted; a new backup needs a new event id"
        reason = Message(code=Code.BACKUP_DELETED, text=text, subject=job.name)
        yield e.BackupRejected(request=event.id, app=event.data.app, reasons=[reason])
    else:
        yield from _known(store, job, needs)


def _known(store: ObjectStore, job: Job, needs: GateNeeds) -> Iterator[e.Event]:
    """What a repeated request is told: how its job ended, or the next step again."""
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


def _usable(store: ObjectStore, name: str) -> BackupRecord:
    if not jobs.is_name(name):
        raise Invalid(f"{name!r:.80} cannot be the name of a backup", code=Code.NO_SUCH_BACKUP)
    record = ledger.finished_backup(store, name)
    if record and ledger.deleted(store, jobs.backup(name)):
        raise Invalid(f"backup {name} cannot be restored: it is being deleted", code=Code.BACKUP_DELETED, subject=name)
    if record is None:
        if ledger.exists(store, keys.running(jobs.backup(name))):
            raise Invalid(f"backup {name} cannot be restored: it is not finished", code=Code.NOT_FINISHED, subject=name)
        raise Invalid(f"backup {name} cannot be restored: there is none of that name", code=Code.NO_SUCH_BACKUP)
    if record.status not in ("Completed", "PartiallyFailed"):
        ended = f"it ended {record.status} ({record.reason or 'for no known reason'})"
        raise Invalid(f"backup {name} cannot be restored: {ended}", code=Code.BACKUP_UNUSABLE, subject=name)
    return record


def _restore_scope(asked: e.RestoreRequested, backup: BackupRecord) -> tuple[e.Scope, str | None]:
    """Scope and application that make sense for this backup. Raises Invalid."""
    held = [app.slug for app in backup.apps]
    if asked.app is not None and asked.scope == "console":
        raise Invalid("a restore of the console alone cannot name an application")
    if asked.app is not None and asked.app not in held:
        raise Invalid(
            f"backup {backup.name} does not hold application {asked.app!r}; it holds {', '.join(held)}",
            code=Code.NOT_IN_BACKUP,
            subject=backup.name,
        )
    if backup.app is None:
        return ("applications" if asked.app else asked.scope), asked.app
    if asked.scope == "console":
        raise Invalid(
            f"backup {backup.name} is of application {backup.app} alone; it does not hold the console",
            code=Code.NOT_IN_BACKUP,
            subject=backup.name,
        )
    return "applications", backup.app
