"""What can be done with backups and restores: take, restore, cancel, delete."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from producers.session import Session
from producers.views import jobs as views
from producers.views.job_views import RestoreView
from schemas import events as e
from schemas import job as names
from schemas import keys
from schemas import ttl as ttls
from schemas.errors import Code, Invalid, NotFound
from schemas.events import THE_DEFAULT
from schemas.job import Job, asked_for, request_uuid
from schemas.rights import user
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds


@dataclass(frozen=True)
class Requested:
    """A request that was published. `job` is what the license gate will make of it, unless its name is taken; or what
    it has made, once it has `begun`."""

    event: e.AnyEvent
    job: Job
    destination: str
    begun: bool = False


def take(
    session: Session,
    app: str | None = None,
    *,
    ttl: str | None = None,
    copy_to: Sequence[str] = (),
    destination: str = THE_DEFAULT,
    schedule: str | None = None,
    id: str | None = None,
) -> Requested:
    """Asks for a backup of `app`, or of the console and all applications, to be kept for `ttl` (`720h`, `1 month`), and
    copied to the destinations `copy_to` when it has ended; one of a `schedule` is listed with it. The same `id` makes
    the same job, however often. Raises Invalid, NotFound for a destination that is not there to copy to, and
    TransientError or Denied; then the request may or may not be on the bus."""
    destination = session.named_if_known(destination)
    for to in copy_to:
        session.destination(to)
        if to == destination:
            raise Invalid(f"the backup goes to {to!r} in any case; a copy needs another destination")
    with clear():
        kept = ttls.written(ttl) if ttl else None
        request = e.BackupRequested(
            app=app, destination=destination, ttl=kept, schedule=schedule, copy_to=list(copy_to)
        )
    return publish(session, request, "backup", app or "instance", destination, id)


def restore(
    session: Session,
    backup: str,
    scope: e.Scope = "full",
    app: str | None = None,
    *,
    keep_newer: bool = False,
    safety_snapshot: bool = True,
    namespace_mapping: Mapping[str, str] | None = None,
    destination: str = THE_DEFAULT,
    id: str | None = None,
) -> Requested:
    """Asks for a restore from `backup`, of all that is in `scope`, or of `app` alone; as `take`. `keep_newer` leaves
    alone what came after the backup; a `safety_snapshot` is taken of what is deleted. What was in one of the namespaces
    that `namespace_mapping` names goes into the other one."""
    destination = session.named_if_known(destination)
    with clear():
        request = e.RestoreRequested(
            backup=backup,
            scope=scope,
            app=app,
            keep_newer=keep_newer,
            safety_snapshot=safety_snapshot,
            namespace_mapping=dict(namespace_mapping or {}),
            destination=destination,
        )
    return publish(session, request, "restore", backup, destination, id)


def rollback(
    session: Session,
    name: str,
    *,
    keep_newer: bool = False,
    safety_snapshot: bool = True,
    destination: str = THE_DEFAULT,
    id: str | None = None,
) -> Requested:
    """Asks for a restore of what the restore called `name` has replaced, from its safety snapshot; as `restore`. Raises
    NotFound without such a restore or its snapshot, Invalid for one that is under way or took none."""
    done = _to_roll_back(session.store(destination), name)
    snapshot = snapshot_of(session, name, destination=destination)
    return restore(
        session,
        snapshot,
        done.scope,
        done.app,
        keep_newer=keep_newer,
        safety_snapshot=safety_snapshot,
        destination=destination,
        id=id,
    )


def snapshot_of(session: Session, name: str, *, destination: str = THE_DEFAULT) -> str:
    """The safety snapshot of the restore called `name`; raises as `rollback`."""
    store = session.store(destination)
    done = _to_roll_back(store, name)
    if (snapshot := done.snapshot) is None:
        raise Invalid(f"restore {name} took no safety snapshot, so there is nothing to go back to", subject=name)
    if ledger.finished_backup(store, snapshot) is None or ledger.deleted(store, names.backup(snapshot)):
        text = f"the safety snapshot {snapshot} of restore {name} is no longer there"
        raise NotFound(text, code=Code.NO_SUCH_BACKUP, subject=snapshot)
    return snapshot


def repeat(session: Session, requested: Requested) -> None:
    """Publishes the request once more, in case it was lost: it has the same id, so it is the same job."""
    session.bus.publish(requested.event)


def cancel(session: Session, name: str, *, destination: str = THE_DEFAULT) -> Job:
    """Cancels a running backup or restore; what it has done stays. Raises NotFound, Invalid for one that has ended."""
    store = session.store(destination)
    job = views.find(store, name)
    if views.has_ended(store, job):
        raise Invalid(f"{name} has ended already", code=Code.ALREADY_ENDED, subject=str(job))
    store.create(keys.cancel(job), json.dumps({"at": datetime.now(UTC).isoformat()}).encode())
    session.bus.broadcast_cancel(job)
    return job


def may_be_deleted(session: Session, name: str, *, destination: str = THE_DEFAULT) -> None:
    """Raises NotFound if there is no backup of that name, or none came of it, and Invalid for one that is held."""
    details = views.backup(session.store(destination), name)
    if details.view.status == "Rejected":
        raise NotFound(f"there is no backup {name}: the request for it was rejected", code=Code.NO_SUCH_BACKUP)
    if refusal := holds.refusal(session.store(destination), names.backup(name)):
        raise Invalid(refusal.text, code=Code.BACKUP_HELD, subject=name)


def delete(session: Session, name: str, *, destination: str = THE_DEFAULT) -> Requested:
    """Asks for the deletion of a backup and of what only it refers to. Raises as `may_be_deleted`, and as `take`."""
    destination = session.named(destination)
    may_be_deleted(session, name, destination=destination)
    event = ask(session, e.BackupDeleteRequested(backup=name, destination=destination), None)
    return Requested(event, names.backup(name), destination)


def _to_roll_back(store: ObjectStore, name: str) -> RestoreView:
    """The finished restore of that name."""
    try:
        view = views.restore(store, name).view
    except NotFound:
        if names.is_name(name) and ledger.exists(store, keys.request(names.backup(name))):
            text = f"{name} is a backup; going back is possible from a restore, by the name of the restore"
            raise NotFound(text, code=Code.NO_SUCH_JOB) from None
        raise
    if view.status == "Rejected":
        raise Invalid(f"restore {name} was rejected and has replaced nothing", subject=name)
    if view.completed_at is None:
        raise Invalid(f"restore {name} is still under way", code=Code.NOT_FINISHED, subject=name)
    return view


def publish(
    session: Session, request: e.Event, kind: names.Kind, prefix: str, destination: str, id: str | None
) -> Requested:
    """Asks for a job, whose name will begin with `prefix`."""
    event = ask(session, request, id)
    return Requested(event, named(session, kind, prefix, event.id), destination)


def named(session: Session, kind: names.Kind, prefix: str, id: str) -> Job:
    """The job that the license gate will make of a request of ours with this id, unless its name is taken."""
    return asked_for(kind, prefix, request_uuid(user(session.settings), session.source, id))


def ask(session: Session, request: e.Event, id: str | None) -> e.AnyEvent:
    """Publishes a request, with an id of its own unless one is given."""
    with clear():
        event = e.wrap(request, id=id or str(uuid.uuid4()), source=session.source, time=datetime.now(UTC))
    session.bus.publish(event)
    return event


@contextmanager
def clear() -> Iterator[None]:
    """What cannot be asked for is Invalid."""
    try:
        yield
    except ValidationError as error:
        raise Invalid(e.explain(error)) from error
