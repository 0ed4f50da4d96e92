"""`/`: whether everything is backed up, application by application, and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import Identity, may, require
from producers.actions import verification
from producers.actions.home import coverage
from producers.console import faults, plots
from producers.console.kept_home import kept_home
from producers.console.letters import letters
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen, text
from producers.console.shared import shared
from producers.console.snapshots_card import snapshots_card
from producers.views import jobs
from producers.views.home.composed import granted
from producers.views.home.facts import CONSOLE
from producers.views.home.verdict import Deed, Doing, Todo
from producers.views.job_views import BackupView
from schemas.errors import Invalid, SnaplineError

FIRST = 20
"""Applications that are shown, the worst first; others are a click away."""
WORDS: dict[Doing, str] = {
    "configure": "Configure snapshot settings",
    "start-full": "Start a Full snapshot",
    "start-partial": "Start a Partial snapshot",
    "see": "See what failed",
    "follow": "Follow it",
    "include": "Choose what to include",
    "verify": "Verify it now",
    "destination": "See the destination",
    "register": "Register an application",
}


@dataclass(frozen=True)
class Button:
    """A link to `place`; or, with a `name`, a form that posts it there."""

    label: str
    place: str
    name: str = ""


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [
        page("/", show),
        page("/dashboard", lambda _: seen("/")),
        form("/verify", verify, "take"),
        form("/not-covered/include", include, "configure"),
        form("/not-covered/leave-out", leave_out, "configure"),
    ]


def show(request: Request, problem: str = "", status: int = 200) -> Response:
    """See the module. With a `problem`, why what was asked for could not be done. While it is read for the first time,
    the page says nothing else."""
    identity, kept = identity_of(request), shared(request, kept_home)
    if not kept.is_read() and kept.home(needs_of(request).patience) is None:
        return render(request, "pages/reading.html", status, title="Home", section="home", problem=problem)
    home = kept.keeper.home()
    if identity.apps is not None:
        home = granted(home, identity.apps)
    shown = home.standings if request.query_params.get("all") else home.standings[:FIRST]
    return render(
        request,
        "pages/home.html",
        status,
        home=home,
        shown=shown,
        todo=[(each, list(_buttons(identity, each))) for each in home.verdict.todo],
        faulty=sum(each.state != "ok" for each in home.standings),
        place=_place,
        marks=plots.marks,
        plot=plots.plot(home.growth.points),
        problem=problem,
        broker=shared(request, letters).problem() if may(identity, "view") else "",
        apps=home.facts.apps,
        console=CONSOLE,
        card=snapshots_card(needs_of(request).session, needs_of(request).now()) if may(identity, "view") else None,
    )


def verify(request: Request, given: FormData) -> Response:
    """Has a snapshot read back, to the last byte."""
    session, name = needs_of(request).session, text(given, "name")
    view = jobs.backup(session.store(), name).view
    if view.app is not None:
        require(identity_of(request), "take", view.app)
    else:
        require(identity_of(request), "take")
    verification.verify(session, name)
    return seen("/", done="verify")


def include(request: Request, given: FormData) -> Response:
    """Has the chosen volumes backed up from now on."""
    require(identity_of(request), "configure")
    session, app = needs_of(request).session, text(given, "app")

    def act(namespace: str, claim: str) -> None:
        if claim:
            coverage.include(session, namespace, claim, app)
        else:
            coverage.include_namespace(session, namespace, app)

    return _each(request, given, act, "included")


def leave_out(request: Request, given: FormData) -> Response:
    """Leaves the chosen volumes and namespaces out of all snapshots."""
    require(identity_of(request), "configure")
    session = needs_of(request).session
    return _each(request, given, lambda namespace, claim: coverage.leave_out(session, namespace, claim), "left-out")


def _each(request: Request, given: FormData, act: Callable[[str, str], object], done: str) -> Response:
    """Does it with one after the other; the first that cannot be done is told, and those before it stay done."""
    keeper = shared(request, kept_home).keeper
    chosen = [value for value in given.getlist("volume") if isinstance(value, str)]
    try:
        if not chosen:
            raise Invalid("nothing was chosen")
        for key in chosen:
            namespace, _, claim = key.partition("/")
            act(namespace, claim)
    except SnaplineError as error:
        keeper.forget()
        return show(request, str(error), faults.status_of(error))
    keeper.forget()
    return seen("/", done=done)


def _buttons(identity: Identity, todo: Todo) -> Iterator[Button]:
    for deed in todo.deeds:
        if _allowed(identity, deed):
            yield _button(deed)


def _allowed(identity: Identity, deed: Deed) -> bool:
    match deed.does:
        case "start-partial":
            return may(identity, "take", deed.of)
        case "start-full" | "verify":
            return may(identity, "take")
        case "configure" | "include" | "destination" | "register":
            return may(identity, "configure")
        case _:
            return True


def _button(deed: Deed) -> Button:
    label, name = WORDS[deed.does], quote(deed.of, safe="")
    match deed.does:
        case "start-full":
            return Button(label, "/snapshots")
        case "start-partial":
            return Button(label, f"/snapshots/partial/{name}")
        case "see":
            return Button(label, f"/activity/jobs/backup/{name}")
        case "follow":
            return Button(label, f"/snapshots/details/{name}")
        case "include":
            return Button(label, "#not-covered")
        case "verify":
            return Button(label, "/verify", deed.of)
        case "configure":
            return Button(label, "/snapshots/settings?configure=true")
        case "register":
            return Button(label, "/apps/new")
        case _:
            return Button(label, "/snapshots/settings")


def _place(view: object) -> str:
    """The page of a snapshot or a restore."""
    name = quote(str(getattr(view, "name", "")), safe="")
    if isinstance(view, BackupView):
        return f"/snapshots/details/{name}" if view.app is None else f"/snapshots/partial/{quote(view.app)}/{name}"
    return f"/restores/{name}"
