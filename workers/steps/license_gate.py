"""license.gate: may this be done, and what is the job called? One request makes one job, however often it comes."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas import events as e
from schemas import keys, license
from schemas.application import Application
from schemas.errors import Invalid
from schemas.records import AppRef, BackupRecord, BackupRequest, Request, RestoreRequest
from workers import ledger
from workers.ports import Cluster, ObjectStore
from workers.steps import endings
from workers.steps.applications import concerned, registered

R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class Gate:
    """What the gate needs to know."""

    store: ObjectStore
    cluster: Cluster
    console_namespace: str
    trusted_keys: Mapping[str, bytes]
    now: Callable[[], datetime]


def backup_requested(event: e.CloudEvent[e.BackupRequested], gate: Gate, sender: str) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none."""
    request = keys.request_uuid(event.source, event.id)
    name, earlier = _find(gate.store, "backups", event.data.app or "instance", request, BackupRequest)
    if earlier:
        yield _known_backup(gate.store, event.id, earlier)
        return
    try:
        apps = concerned(registered(gate.cluster, gate.console_namespace), event.data.app)
        reasons = list(_refusals(apps, gate))
    except Invalid as error:
        apps, reasons = [], [str(error)]
    if reasons:
        yield e.BackupRejected(request=event.id, app=event.data.app, reasons=reasons)
        return
    ledger.begin(gate.store, "backups", name)
    standing = ledger.create(
        gate.store,
        keys.request("backups", name),
        BackupRequest(
            name=name,
            request=request,
            event_id=event.id,
            sender=sender,
            requested_at=gate.now(),
            app=event.data.app,
            schedule=event.data.schedule,
            apps=[AppRef(slug=app.slug, name=app.name, version=app.version, sequence=app.sequence) for app in apps],
        ),
    )
    if standing.request != request:
        yield from backup_requested(event, gate, sender)
        return
    yield e.BackupLicensed(backup=name, app=standing.app)


def restore_requested(event: e.CloudEvent[e.RestoreRequested], gate: Gate, sender: str) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none. Licenses are noted, never a reason."""
    request = keys.request_uuid(event.source, event.id)
    name, earlier = _find(gate.store, "restores", event.data.backup, request, RestoreRequest)
    if earlier:
        yield _known_restore(gate.store, earlier)
        return
    try:
        backup = _usable(gate.store, event.data.backup)
        scope, app = _restore_scope(event.data, backup)
    except Invalid as error:
        yield e.RestoreRejected(request=event.id, backup=event.data.backup, reasons=[str(error)])
        return
    ledger.begin(gate.store, "restores", name)
    standing = ledger.create(
        gate.store,
        keys.request("restores", name),
        RestoreRequest(
            name=name,
            request=request,
            event_id=event.id,
            sender=sender,
            requested_at=gate.now(),
            notes=_notes(gate, app),
            backup=backup.name,
            scope=scope,
            app=app,
        ),
    )
    if standing.request != request:
        yield from restore_requested(event, gate, sender)
        return
    yield e.RestoreLicensed(restore=name, backup=standing.backup, notes=standing.notes)


def _find(store: ObjectStore, kind: keys.Kind, prefix: str, request: str, model: type[R]) -> tuple[str, R | None]:
    """The request's name, and its record if it has one: the first name that is free or its own."""
    for attempt in itertools.count():
        name = keys.job_name(prefix, request, attempt)
        found = ledger.find(store, keys.request(kind, name), model)
        if found is None or found.request == request:
            return name, found
    raise AssertionError("itertools.count ends")


def _known_backup(store: ObjectStore, event_id: str, request: BackupRequest) -> e.Event:
    """What a repeated request is told: how its job ended, or the next step again."""
    if record := ledger.finished_backup(store, request.name):
        return endings.backup_ended(record)
    if ledger.deleted(store, "backups", request.name):
        reason = f"this request made the backup {request.name}, which was deleted; a new backup needs a new event id"
        return e.BackupRejected(request=event_id, app=request.app, reasons=[reason])
    return e.BackupLicensed(backup=request.name, app=request.app)


def _known_restore(store: ObjectStore, request: RestoreRequest) -> e.Event:
    if record := ledger.finished_restore(store, request.name):
        return endings.restore_ended(record)
    return e.RestoreLicensed(restore=request.name, backup=request.backup, notes=request.notes)


def _refusals(apps: list[Application], gate: Gate) -> Iterator[str]:
    for app in apps:
        verdict = license.verdict(app.license, gate.trusted_keys, gate.now(), app.slug)
        if not verdict.allowed:
            yield f"application {app.slug}: {verdict.reason} ({verdict.code})"


def _notes(gate: Gate, slug: str | None) -> list[str]:
    """What licenses say today. An application that is gone, or cannot be read, is no reason not to restore it."""
    try:
        apps = [app for app in registered(gate.cluster, gate.console_namespace) if slug in (None, app.slug)]
    except Invalid as error:
        return [str(error)]
    return [f"{reason}; it is restored all the same" for reason in _refusals(apps, gate)]


def _usable(store: ObjectStore, name: str) -> BackupRecord:
    if not keys.is_job_name(name):
        raise Invalid(f"{name!r:.80} cannot be the name of a backup; `snapline get backups` lists them")
    record = ledger.finished_backup(store, name)
    if record is None:
        unfinished = ledger.exists(store, keys.running("backups", name))
        why = "it is not finished" if unfinished else "there is none of that name; `snapline get backups` lists them"
        raise Invalid(f"backup {name} cannot be restored: {why}")
    if record.status not in ("Completed", "PartiallyFailed"):
        raise Invalid(f"backup {name} cannot be restored: it ended {record.status} ({endings.brief(record.reason)})")
    return record


def _restore_scope(asked: e.RestoreRequested, backup: BackupRecord) -> tuple[e.Scope, str | None]:
    """Scope and application that make sense for this backup. Raises Invalid."""
    held = [app.slug for app in backup.apps]
    if asked.app is not None and asked.scope == "console":
        raise Invalid("a restore of the console alone cannot name an application")
    if asked.app is not None and asked.app not in held:
        raise Invalid(f"backup {backup.name} does not hold application {asked.app!r}; it holds {', '.join(held)}")
    if backup.app is None:
        return ("applications" if asked.app else asked.scope), asked.app
    if asked.scope == "console":
        raise Invalid(f"backup {backup.name} is of application {backup.app} alone; it does not hold the console")
    return "applications", backup.app


def refuse_backup(event: e.CloudEvent[e.BackupRequested], reason: str) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into."""
    yield e.BackupRejected(request=event.id, app=event.data.app, reasons=[reason])


def refuse_restore(event: e.CloudEvent[e.RestoreRequested], reason: str) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into."""
    yield e.RestoreRejected(request=event.id, backup=event.data.backup, reasons=[reason])
