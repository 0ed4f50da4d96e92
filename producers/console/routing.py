"""From a handler to a route: who may ask is said at the route, and handlers are plain functions that may block."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from producers.access.identity import Identity, Permission, may_some
from producers.console.auditing import audited, refused
from producers.console.needs import needs_of
from schemas.errors import Denied

Show = Callable[[Request], Response]
Act = Callable[[Request, FormData], Response]
Anybody = None
"""In place of a permission, for what those see who are not signed in."""
MOST_FIELDS = 1000
MOST_FILE = 1024 * 1024
"""Bytes of one field of a form."""


def page(path: str, show: Show, permission: Permission | None = "view") -> Route:
    """A GET. `show` runs in a thread. It checks itself what concerns one application only."""

    async def endpoint(request: Request) -> Response:
        if (refused := await _refusal(request, permission)) is not None:
            return refused
        return await run_in_threadpool(audited, request, permission, None, lambda: show(request))

    return _route(path, endpoint, "GET", permission)


def form(path: str, act: Act, permission: Permission | None) -> Route:
    """A POST of a form. `act` runs in a thread, and answers with a redirect (`seen`) or with the page and its
    faults."""

    async def endpoint(request: Request) -> Response:
        if (refused := await _refusal(request, permission)) is not None:
            return refused

        def checked() -> Response:
            needs_of(request).access.check_form(request, given)
            return act(request, given)

        async with request.form(max_fields=MOST_FIELDS, max_files=4, max_part_size=MOST_FILE) as given:
            return await run_in_threadpool(audited, request, permission, given, checked)

    return _route(path, endpoint, "POST", permission)


def seen(path: str, **query: str) -> RedirectResponse:
    """After a form: the page to look at."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def identity_of(request: Request) -> Identity:
    """Who asks. Only where a route wants a permission."""
    return cast(Identity, request.state.identity)


def text(given: FormData, name: str, default: str = "") -> str:
    """One field of a form that is text."""
    found = given.get(name, default)
    return found.strip() if isinstance(found, str) else default


def permission_of(route: Route) -> Permission | None:
    """What the route was declared with."""
    return cast("Permission | None", getattr(route.endpoint, "permission", None))


async def _refusal(request: Request, permission: Permission | None) -> Response | None:
    """Raises Denied for somebody who is signed in and may not."""
    identity = await run_in_threadpool(needs_of(request).access.identity, request)
    request.state.identity = identity
    if permission is None:
        return None
    if identity is None:
        query = f"?{request.url.query}" if request.url.query else ""
        return seen("/sign-in", next=request.url.path + query if request.method == "GET" else "/")
    if not may_some(identity, permission):
        await run_in_threadpool(refused, request, permission)
        raise Denied(f"{identity.name} has the role {identity.role}, which may not {permission}")
    return None


def _route(path: str, endpoint: Callable[..., object], method: str, permission: Permission | None) -> Route:
    endpoint.permission = permission  # type: ignore[attr-defined]
    return Route(path, endpoint, methods=[method])
