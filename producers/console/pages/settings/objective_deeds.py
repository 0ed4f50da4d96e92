"""How old the last good snapshot of an application may be: set, and taken away."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions import objectives as actions
from producers.console.needs import needs_of
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.show import whole_page
from producers.console.routing import identity_of, seen, text
from producers.views.notifying.objectives import objectives
from schemas import ttl as ttls
from schemas.errors import Invalid, NotFound


def update(desk: Desk, request: Request, given: FormData) -> Response:
    """An empty one takes it away."""
    app, length = text(given, "app"), text(given, "objective")
    require(identity_of(request), "configure", app or None)
    session = needs_of(request).session
    try:
        if length:
            actions.put(session, app, ttls.written(length))
        elif app in objectives(session):
            actions.forget(session, app)
    except (Invalid, NotFound) as error:
        return whole_page(desk, request, status=422, objective=(app, length, str(error)))
    return seen(PATH, app=app, done="objective")
