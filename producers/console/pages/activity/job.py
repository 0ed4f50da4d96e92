"""One job's events as a sequence; or what is kept of it, when the event log has nothing of it any more."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions.follow import requested_before
from producers.console.needs import needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.session import Session
from producers.views import jobs
from producers.views.activity.sequence import JobEvents, job_events, sequence
from producers.views.job_views import BackupView, RestoreView
from producers.views.kept_log import KeptLine, kept_log
from producers.views.progress import JobProgress, concerns
from schemas import events as e
from schemas.errors import NotFound, SnaplineError
from schemas.job import KINDS, Job

BEFORE = timedelta(seconds=2)
"""Clocks differ."""


def show(request: Request) -> Response:
    """What was told of it. Raises NotFound without such a job."""
    session, job = needs_of(request).session, _job(request)
    destination = request.query_params.get("destination", "")
    store = session.store(destination)
    details = jobs.backup(store, job.name) if job.kind == "backup" else jobs.restore(store, job.name)
    require(identity_of(request), "view", details.view.app)
    found, kept, problem = JobEvents(()), list[KeptLine](), ""
    try:
        found = _events(session, details.view, destination)
    except SnaplineError as error:
        problem = str(error)
    if not found.events:
        kept = kept_log(store, job)
    return render(
        request,
        "pages/job_events.html",
        job=job,
        view=details.view,
        story=sequence(found.events),
        cut=found.cut,
        kept=kept,
        problem=problem,
    )


def _events(session: Session, view: BackupView | RestoreView, destination: str) -> JobEvents:
    request, since = view.request, view.requested_at
    if not request:
        requested = requested_before(session, view.name, destination)
        request, since = requested.event.id, requested.event.time
    about = JobProgress(request, name=view.name)
    recent = session.events.recent()

    def is_of_it(event: e.AnyEvent) -> bool:
        return event.id == request or concerns(about, event)

    return job_events(session.bus.log_slice, recent, since - BEFORE, is_of_it)


def _job(request: Request) -> Job:
    for kind in KINDS:
        if kind == request.path_params["kind"]:
            return Job(kind, request.path_params["name"])
    raise NotFound(f"there is no kind of job {request.path_params['kind']!r:.80}")
