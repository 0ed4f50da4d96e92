"""What can be done with backups and restores: take, restore, cancel, delete."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.session import Session
from producers.views import jobs as views
from schemas import events as e
from schemas import job as names
from schemas import keys
from schemas.errors import Code, Invalid
from schemas.events import DEFAULT_DESTINATION
from schemas.job import Job, name_for, request_uuid


@dataclass(frozen=True)
class Requested:
    """A request that was published. `job` is what the license gate will make of it, unless its name is taken."""

    event: e.AnyEvent
    job: Job
    destination: str


def take(
    session: Session, app: str | None = None, *, destination: str = DEFAULT_DESTINATION, id: str | None = None
) -> Requested:
    """Asks for a backup of `app`, or of the console and all applications. The same `id` makes the same job, however
    often. Raises TransientError, Denied; then the request may or may not be on the bus."""
    request = e.BackupRequested(app=app, destination=destination)
    return _publish(session, request, "backup", app or "instance", destination, id)


def restore(
    session: Session,
    backup: str,
    scope: e.Scope = "full",
    app: str | None = None,
    *,
    destination: str = DEFAULT_DESTINATION,
    id: str | None = None,
) -> Requested:
    """Asks for a restore from `backup`, of all that is in `scope`, or of `app` alone; as `take`."""
    request = e.RestoreRequested(backup=backup, scope=scope, app=app, destination=destination)
    return _publish(session, request, "restore", backup, destination, id)


def repeat(session: Session, requested: Requested) -> None:
    """Publishes the request once more, in case it was lost: it has the same id, so it is the same job."""
    session.bus.publish(requested.event)


def cancel(session: Session, name: str, *, destination: str = DEFAULT_DESTINATION) -> Job:
    """Cancels a running backup or restore; what it has done stays. Raises NotFound, Invalid for one that has ended."""
    store = session.store(destination)
    job = views.find(store, name)
    if views.has_ended(store, job):
        raise Invalid(f"{name} has ended already", code=Code.ALREADY_ENDED, subject=str(job))
    store.create(keys.cancel(job), json.dumps({"at": datetime.now(UTC).isoformat()}).encode())
    session.bus.broadcast_cancel(job)
    return job


def delete(session: Session, name: str, *, destination: str = DEFAULT_DESTINATION) -> Requested:
    """Asks for the deletion of a backup and of what only it refers to. Raises NotFound, and as `take`."""
    views.backup(session.store(destination), name)
    event = _wrap(session, e.BackupDeleteRequested(backup=name, destination=destination), None)
    session.bus.publish(event)
    return Requested(event, names.backup(name), destination)


def _publish(
    session: Session, request: e.Event, kind: names.Kind, prefix: str, destination: str, id: str | None
) -> Requested:
    event = _wrap(session, request, id)
    session.bus.publish(event)
    return Requested(event, Job(kind, name_for(prefix, request_uuid(event.source, event.id))), destination)


def _wrap(session: Session, request: e.Event, id: str | None) -> e.AnyEvent:
    return e.wrap(request, id=id or str(uuid.uuid4()), source=session.source, time=datetime.now(UTC))
