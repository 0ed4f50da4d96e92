"""What is done with schedules: store, pause, resume, run now, remove."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import Permission, require
from producers.actions import schedules as actions
from producers.console.needs import needs_of
from producers.console.pages.settings import schedule
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.schedule import Sent
from producers.console.pages.settings.show import whole_page
from producers.console.pages.settings.sure import ask, is_sure
from producers.console.rendering import render
from producers.console.routing import identity_of, seen
from producers.session import Session
from producers.views import schedules as views
from schemas.errors import Invalid, NotFound, SnaplineError


def preview(request: Request) -> Response:
    """What is typed so far, as a sentence and its next runs."""
    needs, sent = needs_of(request), schedule.read(request.query_params)
    said = schedule.previewed(sent.typed, sent.form, needs)
    return render(request, "fragments/settings/schedule-preview.html", preview=said, zone=sent.typed.value("time_zone"))


def update(desk: Desk, request: Request, given: FormData) -> Response:
    """Stores the schedule, or shows again what was typed, with what is wrong."""
    session, sent = needs_of(request).session, schedule.read(given)
    about = sent.chosen
    require(identity_of(request), "configure", about.app or None)
    if about.schedule:
        _require(request, "configure", about.schedule)
    if sent.form is None:
        return whole_page(desk, request, status=422, schedule=sent)
    try:
        _put(session, sent)
    except (Invalid, NotFound) as error:
        return whole_page(desk, request, status=422, schedule=sent.with_fault(error))
    where: dict[str, str] = {"full": {}, "partial": {"app": about.app}, "other": {"schedule": about.name}}[about.tab]
    return seen(PATH, **where, done="schedule")


def _put(session: Session, sent: Sent) -> None:
    """Raises Invalid, NotFound for what it names and there is not, and as the cluster."""
    about, form = sent.chosen, sent.form
    assert form is not None  # looked at before
    if about.tab == "other" and not about.name:
        raise Invalid("a schedule of its own has a name")
    if about.tab == "partial" and not about.app:
        raise Invalid("there is no application to take snapshots of")
    if given_new(sent) and _exists(session, about.name):
        raise Invalid(f"there is a schedule {about.name} already")
    actions.put(session, about.name if about.tab == "other" else None, app=about.app, **form.arguments())


def given_new(sent: Sent) -> bool:
    """Whether somebody makes a new one, and takes its name for free."""
    return sent.chosen.tab == "other" and bool(sent.typed.value("new"))


def _exists(session: Session, name: str) -> bool:
    try:
        views.stored(session, name)
    except NotFound:
        return False
    except Invalid:
        return True
    return True


def pause(_: Desk, request: Request, __: FormData) -> Response:
    """Nothing is due from now on."""
    name = _require(request, "configure")
    actions.pause(needs_of(request).session, name)
    return seen(PATH, schedule=name, done="schedule")


def resume(_: Desk, request: Request, __: FormData) -> Response:
    """It goes on."""
    name = _require(request, "configure")
    actions.resume(needs_of(request).session, name)
    return seen(PATH, schedule=name, done="schedule")


def run_now(_: Desk, request: Request, __: FormData) -> Response:
    """Asks for what the schedule asks for, at once."""
    name = _require(request, "take")
    actions.run_now(needs_of(request).session, name)
    return seen(PATH, schedule=name, done="ran")


def remove(_: Desk, request: Request, given: FormData) -> Response:
    """Takes a schedule away, once somebody is sure; its snapshots stay."""
    name = _require(request, "configure")
    if not is_sure(given):
        lost = "Nothing is taken or verified by it any more. To let it rest for a while, pause it."
        return ask(request, "schedule", name, lost=lost, left="The snapshots that it has taken stay.")
    actions.forget(needs_of(request).session, name)
    return seen(PATH, done="schedule-removed")


def _require(request: Request, permission: Permission, name: str = "") -> str:
    """The name of the schedule that a request is about. Raises Denied if that may not be done with it."""
    called: str = name or request.path_params["name"]
    try:
        app = views.stored(needs_of(request).session, called).app
    except NotFound:
        if name:
            return called  # there is none yet
        raise
    except SnaplineError:
        app = None  # nobody knows whose it is
    require(identity_of(request), permission, app)
    return called
