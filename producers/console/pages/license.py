"""`/license`: what the licenses of applications say of snapshots, and whether they can be believed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import may
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of, page
from producers.views.licenses import LicenseView, licenses
from producers.views.unreadable import Unreadable
from schemas.errors import SnaplineError


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [page("/license", show)]


def show(request: Request) -> Response:
    """All of those that may be seen, the ones that need a look first."""
    needs, identity, problem = needs_of(request), identity_of(request), ""
    found: list[LicenseView | Unreadable] = []
    try:
        found = licenses(needs.session, needs.now())
    except SnaplineError as error:
        problem = str(error)
    seen = [each for each in found if isinstance(each, LicenseView) and may(identity, "view", each.slug)]
    unread = [each for each in found if isinstance(each, Unreadable)] if identity.apps is None else []
    return render(request, "pages/license.html", licenses=seen, unread=unread, problem=problem)
