"""What is done with targets of notifications: store, test, remove."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions import notifications as actions
from producers.console.needs import needs_of
from producers.console.pages.settings import notifications
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.show import whole_page
from producers.console.pages.settings.sure import ask, is_sure
from producers.console.routing import identity_of, seen
from producers.views.notifying.targets import targets
from schemas.errors import Invalid
from schemas.messages import told
from workers.ports import Answer


def update(desk: Desk, request: Request, given: FormData) -> Response:
    """Stores a target, or shows again what was typed, with what is wrong."""
    needs, sent = needs_of(request), notifications.read(given)
    require(identity_of(request), "configure")
    if sent.form is None:
        return whole_page(desk, request, status=422, target=sent)
    try:
        if sent.is_new and sent.form.name in {each.name for each in targets(needs.session)}:
            raise Invalid(f"there is a target {sent.form.name} already")
        actions.put(needs.session, sent.form.kind, sent.form.name, sent.form.given())
    except Invalid as error:
        return whole_page(desk, request, status=422, target=sent.with_fault(error))
    return seen(PATH, done="notifications")


def test(desk: Desk, request: Request, _: FormData) -> Response:
    """Tells a target that this is a test; what it answers is kept to be shown."""
    needs, name = needs_of(request), request.path_params["name"]
    require(identity_of(request), "configure")
    try:
        answer = actions.try_out(needs.session, name, needs.now())
    except Invalid as error:
        answer = Answer("refused", reason=told(error))
    desk.answers.keep(name, answer)
    return seen(PATH, done="tested")


def remove(_: Desk, request: Request, given: FormData) -> Response:
    """Forgets a target, once somebody is sure."""
    session, name = needs_of(request).session, request.path_params["name"]
    require(identity_of(request), "configure")
    if not is_sure(given):
        lost = "Its address and its key are kept nowhere else here. What is collected for it is not told."
        return ask(request, "target", name, lost=lost, left="All other targets hear what they heard before.")
    actions.forget(session, name)
    return seen(PATH, done="notifications")
