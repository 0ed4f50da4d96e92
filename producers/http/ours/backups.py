"""Backups: list, look at, take, delete, hold, verify, copy."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from producers.access.identity import may
from producers.actions import copies, jobs, verification
from producers.actions import holds as hold_actions
from producers.actions.verification import Trial
from producers.http.api.operation import Call
from producers.http.api.paging import Page, Part, Where, page, utc
from producers.http.ours.answers import Asked, asked
from producers.views import jobs as views
from producers.views.catalog import open_catalog
from producers.views.choosing import chosen
from producers.views.contents import ContentView, contents
from producers.views.hooks import HookView, hooks
from producers.views.job_views import BackupDetails, BackupView
from producers.views.volumes import VolumeView
from schemas.events import MAX_ID, Depth, Scope
from schemas.records import Hold


class Given(BaseModel):
    """Base of bodies."""

    model_config = ConfigDict(extra="forbid")


class Chosen(Part):
    """Which of them: of an application or full with it, in a status, of a schedule, asked for since then."""

    app: str | None = Field(default=None, max_length=300)
    status: str | None = Field(default=None, max_length=40)
    schedule: str | None = Field(default=None, max_length=300)
    since: datetime | None = None


class Take(Given):
    """What to take: an application, or without one the console and all of them; for how long to keep it, as `720h` or
    `1 month`, and to which destinations to copy it then. The same `id` makes the same job."""

    app: str | None = Field(default=None, max_length=300)
    ttl: str | None = Field(default=None, max_length=80)
    copy_to: list[str] = Field(default=[], max_length=20)
    destination: str = Field(default="", max_length=300)
    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class Reason(Given):
    """Why a backup is held."""

    reason: str = Field(default="", max_length=1000)
    destination: str = Field(default="", max_length=300)


class Verify(Given):
    """How deep, and for a sample, within how many seconds all of it is read."""

    depth: Depth = "full"
    within_seconds: float = Field(default=30 * 24 * 3600, gt=0, le=10 * 366 * 24 * 3600)
    destination: str = Field(default="", max_length=300)
    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class CopyTo(Given):
    """Where to."""

    to: str = Field(min_length=1, max_length=300)
    destination: str = Field(default="", max_length=300)
    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class TestRestore(Given):
    """What to try: all applications of the backup or one, and a check of what came back."""

    app: str | None = Field(default=None, max_length=300)
    scope: Scope = "applications"
    namespace: str | None = Field(default=None, max_length=63)
    check_command: list[str] = Field(default=[], max_length=100)
    check_in: str = Field(default="", max_length=300)
    probe: str = Field(default="", max_length=2000)
    timeout_seconds: float = Field(default=0, ge=0, le=7 * 24 * 3600)
    open_network: bool = False
    destination: str = Field(default="", max_length=300)
    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class BackupDescribed(BaseModel):
    """All that is known of one backup, and what its hooks ran and said."""

    details: BackupDetails
    hooks: list[HookView]


def list_backups(call: Call, query: Chosen) -> Page[BackupView]:
    """Backups of a destination, the newest first: those under way too, and requests that were rejected."""
    found = chosen(
        open_catalog(call.session, query.destination).backups(),
        app=query.app,
        status=query.status,
        schedule=query.schedule,
        since=utc(query.since),
    )
    ours = [each for each in found if may(call.identity, "view", each.app)]
    return page(ours, query, lambda view: (view.requested_at, view.name))


def get_backup(call: Call, name: str, query: Where) -> BackupDescribed:
    """One backup: its volumes, its hooks and what they said, and what is missing and why."""
    details = _found(call, name, query.destination)
    store = call.session.store(query.destination)
    said = hooks(store, details.hooks, lambda: call.session.repository(query.destination))
    return BackupDescribed(details=details, hooks=list(said))


def take_backup(call: Call, body: Take | None = None) -> Asked:
    """Take a backup: of the console and all applications, or of one application."""
    body = body or Take()
    call.require("take", body.app)
    requested = jobs.take(
        call.session, body.app, ttl=body.ttl, copy_to=body.copy_to, destination=body.destination, id=body.id
    )
    return asked(requested)


def delete_backup(call: Call, name: str, query: Where) -> Asked:
    """Delete a backup, and what only it refers to."""
    call.require("delete", _found(call, name, query.destination).view.app)
    return asked(jobs.delete(call.session, name, destination=query.destination))


def list_objects(call: Call, name: str, query: Where) -> list[ContentView]:
    """The objects that a backup holds, by kind and name."""
    _found(call, name, query.destination)
    store = call.session.store(query.destination)
    return contents(store, name, lambda: call.session.repository(query.destination))


def list_volumes(call: Call, name: str, query: Where) -> list[VolumeView]:
    """The volumes that a backup holds."""
    return list(_found(call, name, query.destination).volumes)


def hold_backup(call: Call, name: str, body: Reason | None = None) -> Hold:
    """Keep a backup from being deleted, by rule or by hand."""
    body = body or Reason()
    call.require("delete", _found(call, name, body.destination).view.app)
    return hold_actions.hold(call.session, name, body.reason, destination=body.destination)


def unhold_backup(call: Call, name: str, query: Where) -> None:
    """Let a backup go that is held."""
    call.require("delete", _found(call, name, query.destination).view.app)
    hold_actions.unhold(call.session, name, destination=query.destination)


def verify_backup(call: Call, name: str, body: Verify | None = None) -> Asked:
    """Have a backup read back by the workers."""
    body = body or Verify()
    call.require("take", _found(call, name, body.destination).view.app)
    requested = verification.verify(
        call.session,
        name,
        depth=body.depth,
        within=timedelta(seconds=body.within_seconds),
        destination=body.destination,
        id=body.id,
    )
    return asked(requested)


def copy_backup(call: Call, name: str, body: CopyTo) -> Asked:
    """Copy a backup to another destination, by what is missing there."""
    call.require("take", _found(call, name, body.destination).view.app)
    return asked(copies.copy(call.session, name, body.to, destination=body.destination, id=body.id))


def try_backup(call: Call, name: str, body: TestRestore | None = None) -> Asked:
    """Restore a backup beside what is there, check it, and remove it again."""
    body = body or TestRestore()
    view = _found(call, name, body.destination).view
    call.require("restore", body.app if body.app and body.app in (view.app, *view.apps) else view.app)
    trial = Trial(
        namespace=body.namespace,
        check_command=body.check_command,
        check_in=body.check_in,
        probe=body.probe,
        timeout_seconds=body.timeout_seconds,
        open_network=body.open_network,
        scope=body.scope,
    )
    requested = verification.try_restore(
        call.session, name, trial, app=body.app, destination=body.destination, id=body.id
    )
    return asked(requested)


def _found(call: Call, name: str, destination: str) -> BackupDetails:
    """The backup, if it may be seen. Raises NotFound, Problem."""
    details = views.backup(call.session.store(destination), name)
    call.require("view", details.view.app)
    return details
