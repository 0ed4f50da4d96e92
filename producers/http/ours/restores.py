"""Restores, and the jobs that both kinds are: list, look at, foresee, restore, go back, cancel, read the log."""

from datetime import datetime

from pydantic import BaseModel, Field

from producers.access.identity import may
from producers.actions import foresight, jobs
from producers.actions.follow import requested_before
from producers.actions.foresight import Foreseen
from producers.http.api.operation import Call
from producers.http.api.paging import Page, Part, Where, page, utc
from producers.http.ours.answers import Asked, asked
from producers.http.ours.backups import Given
from producers.views import jobs as views
from producers.views.catalog import open_catalog
from producers.views.choosing import chosen
from producers.views.hooks import HookView, hooks
from producers.views.job_views import RestoreDetails, RestoreView
from producers.views.kept_log import KeptLine, kept_log
from producers.views.restore_plan.asked import Asked as Wished
from schemas.events import MAX_ID, Scope
from schemas.job import Job


class ChosenRestores(Part):
    """Which of them: of an application, in a status, asked for since then."""

    app: str | None = Field(default=None, max_length=300)
    status: str | None = Field(default=None, max_length=40)
    since: datetime | None = None


class ToForesee(Given):
    """From which backup: all that is in `scope`, or `app` alone. `keep_newer` leaves alone what came after the backup;
    a safety snapshot is taken of what is deleted. What was in one of the namespaces that are mapped goes into the other
    one."""

    backup: str = Field(min_length=1, max_length=300)
    scope: Scope = "full"
    app: str | None = Field(default=None, max_length=300)
    keep_newer: bool = False
    safety_snapshot: bool = True
    namespace_mapping: dict[str, str] = Field(default={}, max_length=1000)
    destination: str = Field(default="", max_length=300)


class Restoring(ToForesee):
    """A restore. The same `id` makes the same job."""

    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class GoingBack(Given):
    """How to go back to what was there before a restore; as a restore."""

    keep_newer: bool = False
    safety_snapshot: bool = True
    destination: str = Field(default="", max_length=300)
    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class RestoreDescribed(BaseModel):
    """All that is known of one restore, and what its hooks ran and said."""

    details: RestoreDetails
    hooks: list[HookView]


class Snapshot(BaseModel):
    """The safety snapshot of a restore, to go back to."""

    backup: str


class JobName(BaseModel):
    """A backup or a restore: the event id of its request, when that was, and whether the job has ended."""

    job: Job
    request: str
    requested_at: datetime
    destination: str
    ended: bool


def list_restores(call: Call, query: ChosenRestores) -> Page[RestoreView]:
    """Restores of a destination, the newest first: those under way too, and requests that were rejected."""
    found = open_catalog(call.session, query.destination).restores()
    ours = [each for each in found if may(call.identity, "view", each.app)]
    some = chosen(ours, app=query.app, status=query.status, since=utc(query.since))
    return page(some, query, lambda view: (view.requested_at, view.name))


def get_restore(call: Call, name: str, query: Where) -> RestoreDescribed:
    """One restore: what it deletes, its safety snapshot, its hooks and what they said, and what is missing and why."""
    details = _found(call, name, query.destination)
    said = hooks(
        call.session.store(query.destination), details.hooks, lambda: call.session.repository(query.destination)
    )
    return RestoreDescribed(details=details, hooks=list(said))


def start_restore(call: Call, body: Restoring) -> Asked:
    """Restore from a backup. What is restored replaces what is there, which is backed up first."""
    call.require("restore", _of_backup(call, body.backup, body.app, body.destination))
    requested = jobs.restore(
        call.session,
        body.backup,
        body.scope,
        body.app,
        keep_newer=body.keep_newer,
        safety_snapshot=body.safety_snapshot,
        namespace_mapping=body.namespace_mapping,
        destination=body.destination,
        id=body.id,
    )
    return asked(requested)


def go_back(call: Call, name: str, body: GoingBack | None = None) -> Asked:
    """Go back to what was there before a restore, from its safety snapshot."""
    body = body or GoingBack()
    call.require("restore", _found(call, name, body.destination).view.app)
    requested = jobs.rollback(
        call.session,
        name,
        keep_newer=body.keep_newer,
        safety_snapshot=body.safety_snapshot,
        destination=body.destination,
        id=body.id,
    )
    return asked(requested)


def get_safety_snapshot(call: Call, name: str, query: Where) -> Snapshot:
    """The backup to which a restore can be rolled back."""
    _found(call, name, query.destination)
    return Snapshot(backup=jobs.snapshot_of(call.session, name, destination=query.destination))


def foresee_restore(call: Call, body: ToForesee) -> Foreseen:
    """What a restore would do: what comes back, what would be deleted, replaced and created, and what is in its way.
    Nothing is asked for."""
    call.require("view", _of_backup(call, body.backup, body.app, body.destination))
    return foresight.restore(call.session, Wished(**body.model_dump()))


def get_job(call: Call, name: str, query: Where) -> JobName:
    """Whether there is a backup or a restore of that name, and whether it has ended."""
    job = concerned(call, name, query.destination)
    ended = views.has_ended(call.session.store(query.destination), job)
    event = requested_before(call.session, name, query.destination).event
    return JobName(
        job=job,
        request=event.id,
        requested_at=event.time,
        destination=call.session.named(query.destination),
        ended=ended,
    )


def cancel_job(call: Call, name: str, query: Where) -> None:
    """Cancel a backup or a restore that is under way. What it has done stays."""
    job = concerned(call, name, query.destination)
    store = call.session.store(query.destination)
    found = views.backup(store, name).view if job.kind == "backup" else views.restore(store, name).view
    call.require("cancel", found.app)
    jobs.cancel(call.session, name, destination=query.destination)


def job_log(call: Call, name: str, query: Where) -> list[KeptLine]:
    """What the records of a backup or a restore tell in the order of time."""
    return kept_log(call.session.store(query.destination), concerned(call, name, query.destination))


def _found(call: Call, name: str, destination: str) -> RestoreDetails:
    """The restore, if it may be seen. Raises NotFound, Problem."""
    details = views.restore(call.session.store(destination), name)
    call.require("view", details.view.app)
    return details


def concerned(call: Call, name: str, destination: str) -> Job:
    """The backup or restore, if it may be seen. Raises NotFound, Problem."""
    store = call.session.store(destination)
    job = views.find(store, name)
    view = views.backup(store, name).view if job.kind == "backup" else views.restore(store, name).view
    call.require("view", view.app)
    return job


def _of_backup(call: Call, backup: str, app: str | None, destination: str) -> str | None:
    """The application that a restore of `app` out of the backup concerns; None for all. Raises NotFound."""
    view = views.backup(call.session.store(destination), backup).view
    return app if app in view.apps else view.app
