"""What is done with storage destinations: store, try, check, make the default, remove."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions import destinations as actions
from producers.console.forms.typed import WHOLE
from producers.console.needs import Needs, needs_of
from producers.console.pages.settings import storage
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.show import whole_page
from producers.console.pages.settings.storage import Attempt
from producers.console.rendering import render
from producers.console.routing import identity_of, seen
from producers.views.catalog import open_catalog
from producers.views.destinations import is_given
from producers.views.destinations.use import use
from producers.views.settings.last_checks import Checked
from schemas.errors import Code, Invalid, SnaplineError

CARD = "#storage"


def update(desk: Desk, request: Request, given: FormData) -> Response:
    """Tries what was typed, and stores it if all is well and it is not only to be tried. Else the page again, with what
    is wrong."""
    needs, who = needs_of(request), identity_of(request)
    require(who, "configure")
    only_try = bool(given.get("try"))
    attempt = _allowed(needs, storage.planned(needs.session, storage.read(desk, who, given)))
    attempt = storage.tried(needs, desk, attempt)
    if attempt.wrong or only_try:
        return whole_page(desk, request, status=422 if attempt.wrong else 200, attempt=attempt)
    assert attempt.destination is not None  # nothing is wrong with it
    actions.keep(needs.session, attempt.destination)
    desk.held.forget(attempt.token)
    if given.get("make_default"):
        actions.set_default(needs.session, attempt.name)
    return seen(PATH, destination=attempt.name, done="storage")


def _allowed(needs: Needs, attempt: Attempt) -> Attempt:
    """With why it may not be stored now, if that is so."""
    if attempt.destination is None:
        return attempt
    if is_given(needs.session.settings, attempt.name):
        why = "The environment gives this destination, and counts before what is stored. Change it there."
        return attempt.with_faults({WHOLE: why})
    if attempt.is_new and attempt.name in needs.session.destinations.names():
        return attempt.with_faults({"name": f"there is a destination {attempt.name} already"})
    try:
        actions.may_be_replaced(needs.session, attempt.destination)
    except Invalid as error:
        why = f"Nothing was changed: {error}. Another place can take this name when that has ended."
        return attempt.with_faults({WHOLE: why})
    return attempt


def check(desk: Desk, request: Request, _: FormData) -> Response:
    """Tries a destination as it is stored."""
    needs, name = needs_of(request), request.path_params["name"]
    require(identity_of(request), "configure")
    found = actions.described(needs.session, name)
    desk.checks.keep(name, Checked(needs.now(), found.place, list(actions.try_out(needs.session, found))))
    return seen(PATH, destination=name, done="checked")


def make_default(_: Desk, request: Request, __: FormData) -> Response:
    """Requests that name none go there from now on."""
    require(identity_of(request), "configure")
    actions.set_default(needs_of(request).session, request.path_params["name"])
    return seen(PATH, destination=request.path_params["name"], done="default")


def removal(request: Request) -> Response:
    """Asks before a destination is removed, with what stands there, and what needs it."""
    needs, name = needs_of(request), request.path_params["name"]
    require(identity_of(request), "configure")
    found = actions.described(needs.session, name)
    if is_given(needs.session.settings, name):
        why = "the environment gives this destination: it goes when it is gone there"
        raise Invalid(why, code=Code.DESTINATION_GIVEN, subject=name)
    standing, why = _standing(needs, name)
    return render(
        request,
        "pages/settings-removal.html",
        name=name,
        place=found.place,
        needed=use(needs.session, name).reasons,
        snapshots=standing,
        why=why,
    )


def _standing(needs: Needs, name: str) -> tuple[int | None, str]:
    """How many snapshots are there; None where it cannot be told, and why."""
    try:
        return len(open_catalog(needs.session, name).backups()), ""
    except SnaplineError as error:
        return None, str(error)


def remove(_: Desk, request: Request, __: FormData) -> Response:
    """Forgets a destination that nothing needs; what is in the store stays there."""
    require(identity_of(request), "configure")
    actions.forget(needs_of(request).session, request.path_params["name"])
    return seen(PATH, done="removed")
