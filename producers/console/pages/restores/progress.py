"""One restore: how far it is, and how it ended."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import may, require
from producers.actions import jobs
from producers.console.needs import needs_of
from producers.console.pages.restores.asking import of_restore, plan_address
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen
from producers.console.shared import shared
from producers.console.snapshots.following import following
from producers.views.catalog import open_catalog
from producers.views.console.running import RunningJob
from producers.views.job_views import RestoreView
from producers.views.restore_plan.asked import Asked
from producers.views.restoring.underway import RestoringView, restoring
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.job import restore as restore_called

ONE = "/restores/{name}"
OF_APP = "/snapshots/{slug}/{name}/restore"
UNANSWERED = timedelta(minutes=2)
"""After which it is said that nobody has taken up a request."""
UNDERWAY = ("InProgress", "Cancelling", "Queued")


def routes() -> list[BaseRoute]:
    """See the module."""
    return [
        page(ONE, show),
        page(OF_APP, show_of_app),
        page(f"{ONE}/cancel", ask_to_cancel),
        form(f"{ONE}/cancel", cancel, "cancel"),
        page(f"{ONE}/rollback", roll_back),
    ]


def show(request: Request) -> Response:
    """By its name."""
    return _page(request, request.path_params["name"])


def show_of_app(request: Request) -> Response:
    """Of one application out of a full snapshot: the one that is named, else the newest."""
    if (found := at_snapshot(request, newest=True)) is not None:
        return found
    slug, name = request.path_params["slug"], request.path_params["name"]
    raise NotFound(f"there is no restore of {slug!r:.80} from the snapshot {name!r:.80}", code=Code.NO_SUCH_JOB)


def at_snapshot(request: Request, *, newest: bool = False) -> Response | None:
    """The restore that the address of a snapshot names, or one from it that is under way; with `newest`, also the last
    one that has ended."""
    slug, backup = request.path_params["slug"], request.path_params["name"]
    require(identity_of(request), "view", slug)
    if named := request.query_params.get("restore"):
        return _page(request, named, backup)
    for view in open_catalog(needs_of(request).session, _destination(request)).restores():
        of_this = (view.backup, view.app, view.test) == (backup, slug, False)
        if of_this and (newest or view.status in UNDERWAY):
            return _page(request, view.name, backup)
    return None


def ask_to_cancel(request: Request) -> Response:
    """The dialog: what is given up, and what that leaves."""
    view = _found(request, "cancel")
    return render(
        request,
        "pages/restores/cancel.html",
        view=view.details.view,
        restoring=view,
        place=of_restore(view.details.view.name, _destination(request)),
        action=_address(request, view.details.view.name, "cancel"),
    )


def cancel(request: Request, _: FormData) -> Response:
    """Cancels it, and shows it."""
    view = _found(request, "cancel").details.view
    jobs.cancel(needs_of(request).session, view.name, destination=_destination(request))
    return seen(of_restore(view.name, _destination(request)))


def roll_back(request: Request) -> Response:
    """To the plan of a restore from its safety snapshot. Raises as `jobs.rollback`."""
    name, destination = request.path_params["name"], _destination(request)
    session = needs_of(request).session
    view = restoring(session, name, destination).details.view
    require(identity_of(request), "restore", view.app)
    snapshot = jobs.snapshot_of(session, name, destination=destination)
    return seen(plan_address(Asked(snapshot, view.scope, view.app, destination=destination)))


def _found(request: Request, permission: str) -> RestoringView:
    """The restore at the address, which is still under way. Raises NotFound, Denied, Invalid."""
    view = restoring(needs_of(request).session, request.path_params["name"], _destination(request))
    require(identity_of(request), "cancel" if permission == "cancel" else "view", view.details.view.app)
    if view.ended:
        name = view.details.view.name
        raise Invalid(f"{name} has ended already", code=Code.ALREADY_ENDED, subject=name)
    return view


def _page(request: Request, name: str, backup: str = "") -> Response:
    needs, destination = needs_of(request), _destination(request)
    try:
        view = restoring(needs.session, name, destination)
    except NotFound:
        if (since := _since(request)) is None:
            raise
        return _awaited(request, name, since)
    found = view.details.view
    require(identity_of(request), "view", found.app)
    if backup and found.backup != backup:
        raise NotFound(f"{name!r:.80} is no restore from the snapshot {backup!r:.80}", code=Code.NO_SUCH_JOB)
    snapshot = _snapshot(request, found)
    return render(
        request,
        "pages/restores/restore.html",
        view=found,
        restoring=view,
        job=None if view.ended else _line(request, name, destination),
        plan=view.details.plan,
        snapshot=snapshot,
        cancel=_address(request, name, "cancel"),
        rollback=_address(request, name, "rollback"),
        again=plan_address(Asked(found.backup, found.scope, found.app, destination=destination)),
        may_roll_back=snapshot is not None and may(identity_of(request), "restore", found.app),
    )


def _line(request: Request, name: str, destination: str) -> RunningJob | None:
    """What is known of one that is under way by its records and by what is heard of it; None where that is nothing."""
    with suppress(SnaplineError):
        return shared(request, following).running(restore_called(name), destination=destination)
    return None


def _awaited(request: Request, name: str, since: datetime) -> Response:
    """One that was asked for here, and that nobody has taken up yet."""
    late = needs_of(request).now() - since > UNANSWERED
    return render(request, "pages/restores/awaited.html", name=name, since=since, late=late)


def _snapshot(request: Request, view: RestoreView) -> str | None:
    """Its safety snapshot, if that can be gone back to."""
    if view.completed_at is None or view.snapshot is None:
        return None
    try:
        return jobs.snapshot_of(needs_of(request).session, view.name, destination=_destination(request))
    except (NotFound, Invalid):
        return None


def _since(request: Request) -> datetime | None:
    """When it was asked for, if the address says so."""
    text = request.query_params.get("since", "")
    return datetime.fromtimestamp(int(text), UTC) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _address(request: Request, name: str, deed: str) -> str:
    place, _, query = of_restore(name, _destination(request)).partition("?")
    return f"{place}/{deed}" + (f"?{query}" if query else "")


def _destination(request: Request) -> str:
    return request.query_params.get("destination", "")
