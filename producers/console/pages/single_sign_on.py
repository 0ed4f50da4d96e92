"""`/sign-in/single`: to the identity provider and back."""

import base64
import binascii
import json

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from producers.access import web
from producers.access.oidc import SingleSignOn
from producers.access.oidc_settings import BACK
from producers.console.needs import Needs, door_of
from producers.console.pages.sign_in import asking, recorded
from producers.console.routing import Anybody, page, seen
from schemas.errors import SnaplineError

SECONDS = 600
"""Until then one has to be back."""

log = structlog.get_logger("console")


def routes(needs: Needs) -> list[BaseRoute]:
    """None where the settings name no provider."""
    if needs.door is None or needs.door.single is None:
        return []
    return [page("/sign-in/single", leave, Anybody), page(BACK, come_back, Anybody)]


def leave(request: Request) -> Response:
    """To the provider. What the browser has to bring back is in a cookie of its own."""
    door, after = door_of(request), web.back(request.query_params.get("next", "/"))
    try:
        begun = _single(request).begin()
    except SnaplineError as error:
        return _failed(request, error, after)
    answer = RedirectResponse(begun.url, 303)
    kept = json.dumps([begun.state, begun.nonce, begun.verifier, after])
    door.set_cookie(request, answer, web.SINGLE, base64.urlsafe_b64encode(kept.encode()).decode(), SECONDS)
    return answer


def come_back(request: Request) -> Response:
    """In, or the sign-in page with what is wrong."""
    door = door_of(request)
    state, nonce, verifier, after = _kept(request.cookies.get(door.cookie(request, web.SINGLE), ""))
    try:
        identity = _single(request).finish(state, nonce, verifier, request.query_params)
        id_ = door.door.sessions.begin(identity, "", "single sign-on")
    except SnaplineError as error:
        return _failed(request, error, after)
    answer = seen(after)
    door.let_in(request, answer, id_)
    door.drop_cookie(request, answer, web.SINGLE)
    answer.background = recorded(request, identity, "sign-in", "single sign-on")
    return answer


def _failed(request: Request, error: SnaplineError, after: str) -> Response:
    log.warning("a log-in with single sign-on has failed", reason=error.with_place)
    text = str(error)
    answer = asking(request, "pages/sign_in.html", 403, wrong=f"{text[:1].upper()}{text[1:]}.", after=after, name="")
    door_of(request).drop_cookie(request, answer, web.SINGLE)
    answer.background = recorded(request, None, "sign-in", "single sign-on", "refused")
    return answer


def _single(request: Request) -> SingleSignOn:
    found = door_of(request).single
    if found is None:
        raise RuntimeError("this console has no single sign-on")
    return found


def _kept(cookie: str) -> tuple[str, str, str, str]:
    """What the browser was given; nothing of it, if that cannot be read."""
    try:
        state, nonce, verifier, after = json.loads(base64.urlsafe_b64decode(cookie[:8000]))
    except (ValueError, TypeError, binascii.Error):
        return "", "", "", "/"
    return str(state), str(nonce), str(verifier), web.back(str(after))
