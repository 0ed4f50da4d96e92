"""The dialogs before a restore: what of a snapshot to restore, with the slug typed where it is one application. They
lead to the plan; nothing is asked for here."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import may, not_permitted, require
from producers.console.needs import needs_of
from producers.console.pages.restores import progress
from producers.console.pages.restores.asking import command, plan_address
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen, text
from producers.views import jobs
from producers.views.job_views import BackupView
from producers.views.restore_plan.asked import Asked
from schemas.errors import Code, NotFound
from workers.jobs import restorable

MISMATCH = "The app slug you entered does not match the current app slug"
FULL = "/snapshots/details/{name}/restore"
PARTIAL = "/snapshots/partial/{slug}/{name}/restore"


def routes() -> list[BaseRoute]:
    """See the module."""
    return [
        page(FULL, show_full),
        form(FULL, choose_full, "restore"),
        page(PARTIAL, show_partial),
        form(PARTIAL, choose_partial, "restore"),
    ]


def show_full(request: Request) -> Response:
    """What of a full snapshot."""
    return _full(request, _backup(request, None))


def choose_full(request: Request, given: FormData) -> Response:
    """On to the plan, if the slug is that of the application that was picked."""
    view = _backup(request, None)
    choice = text(given, "choice", "full")
    destination = _destination(request)
    if choice == "partial":
        app, slug = text(given, "app"), text(given, "slug")
        require(identity_of(request), "restore", app)
        if app not in view.apps or slug != app:
            return _full(request, view, choice, app, slug, MISMATCH, 400)
        return seen(plan_address(Asked(view.name, "applications", app, destination=destination), slug))
    require(identity_of(request), "restore")
    return seen(plan_address(Asked(view.name, "console" if choice == "console" else "full", destination=destination)))


def show_partial(request: Request) -> Response:
    """Of a snapshot of one application; or the restore from it, if one is under way or is named."""
    if (found := progress.at_snapshot(request)) is not None:
        return found
    require(identity_of(request), "restore", request.path_params["slug"])
    return _partial(request, _backup(request, request.path_params["slug"]))


def choose_partial(request: Request, given: FormData) -> Response:
    """On to the plan, if the slug is the application's."""
    app = request.path_params["slug"]
    require(identity_of(request), "restore", app)
    view, slug = _backup(request, app), text(given, "slug")
    if slug != app:
        return _partial(request, view, slug, MISMATCH, 400)
    return seen(plan_address(Asked(view.name, "applications", app, destination=_destination(request)), slug))


def _full(
    request: Request,
    view: BackupView,
    choice: str = "",
    app: str = "",
    slug: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    who, destination = identity_of(request), _destination(request)
    apps = [each for each in view.apps if may(who, "restore", each)]
    whole = may(who, "restore")
    if not (apps or whole):
        raise not_permitted(who, "restore", None)
    commands = {
        "full": command(Asked(view.name, destination=destination)),
        "console": command(Asked(view.name, "console", destination=destination)),
    }
    return render(
        request,
        "pages/restores/choose_full.html",
        status,
        view=view,
        apps=apps,
        whole=whole,
        choice=choice or ("full" if whole else "partial"),
        app=app,
        slug=slug,
        error=error,
        commands=commands,
        destination=destination,
    )


def _partial(request: Request, view: BackupView, slug: str = "", error: str = "", status: int = 200) -> Response:
    asked = Asked(view.name, "applications", view.app, destination=_destination(request))
    return render(
        request,
        "pages/restores/choose_partial.html",
        status,
        view=view,
        slug=slug,
        error=error,
        command_text=command(asked),
        destination=asked.destination,
    )


def _backup(request: Request, app: str | None) -> BackupView:
    """The snapshot at the address, which is of `app` alone or a full one. Raises NotFound, and Invalid for one from
    which nothing can be restored."""
    name, store = request.path_params["name"], needs_of(request).session.store(_destination(request))
    view = jobs.backup(store, name).view
    if view.app != app:
        raise NotFound(f"there is no snapshot {name!r:.80} of {app or 'everything'}", code=Code.NO_SUCH_BACKUP)
    restorable.usable(store, name)
    return view


def _destination(request: Request) -> str:
    return request.query_params.get("destination", "")
