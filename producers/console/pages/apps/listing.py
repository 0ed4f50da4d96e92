"""The registered applications that may be seen, each with what its license says of snapshots."""

from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import may
from producers.console.needs import needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.views.licenses.listing import Registered, registrations
from producers.views.unreadable import Unreadable
from schemas.application import NAME_PREFIX
from schemas.errors import SnaplineError


def show(request: Request) -> Response:
    """The list; a registration that cannot be read is shown to who may see all."""
    needs, identity, problem = needs_of(request), identity_of(request), ""
    found: list[Registered | Unreadable] = []
    try:
        found = registrations(needs.session, needs.now())
    except SnaplineError as error:
        problem = str(error)
    seen = [each for each in found if isinstance(each, Registered) and may(identity, "view", each.app.slug)]
    unread = [each for each in found if isinstance(each, Unreadable)] if identity.apps is None else []
    return render(
        request,
        "pages/apps/list.html",
        apps=seen,
        unread=[(each, each.name.removeprefix(NAME_PREFIX)) for each in unread],
        problem=problem,
        of=request.query_params.get("of", ""),
    )
