"""`/account`: another password, and what one may do."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.door import Refused
from producers.access.identity import PERMISSIONS, may_some
from producers.console.needs import Needs, door_of
from producers.console.pages.sign_in import recorded, said, secret, twice
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen
from schemas.errors import Invalid


def routes(needs: Needs) -> list[BaseRoute]:
    """None where there is no door."""
    return [page("/account", show), form("/account/password", change, "view")] if needs.door else []


def show(request: Request) -> Response:
    """See the module."""
    return _shown(request, 200, "")


def change(request: Request, given: FormData) -> Response:
    """The other sessions of the user end."""
    door, identity = door_of(request), identity_of(request)
    try:
        came = door.door.change(identity.name, secret(given, "password"), twice(given), door.address(request))
    except Invalid as error:
        return _shown(request, 400, str(error))
    if isinstance(came, Refused):
        answer = _shown(request, 403 if came.left else 429, said(came, request))
        answer.background = recorded(request, identity, "sign-in", "own password", outcome="refused")
        return answer
    door.now_changed(identity.name)
    answer = seen("/account", done="password")
    door.let_in(request, answer, came.id)
    answer.background = recorded(request, identity, "administer", "own password")
    return answer


def _shown(request: Request, status: int, wrong: str) -> Response:
    identity = identity_of(request)
    return render(
        request,
        "pages/account.html",
        status,
        wrong=wrong,
        has_password="/" not in identity.name,
        permissions=[each for each in PERMISSIONS if may_some(identity, each)],
        apps=None if identity.apps is None else sorted(identity.apps),
    )
