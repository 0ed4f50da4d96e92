"""`/live`: Server-Sent Events, which say that something has changed, for as long as somebody is signed in."""

from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from producers.console.live import changes
from producers.console.needs import Needs
from schemas.errors import SnaplineError

QUIET = 0.5
"""Seconds between two changes that a browser is told."""
BEAT = 5.0
"""Seconds after which it is looked whether whoever listens is still signed in."""
PING = 10
"""Seconds after which a silent connection says that it is there."""


def routes(needs: Needs) -> list[BaseRoute]:
    """See the module."""

    async def live(request: Request) -> Response:
        identity = await run_in_threadpool(needs.access.identity, request)
        if identity is None:
            return Response(status_code=401)

        async def may_go_on() -> bool:
            try:
                now = await run_in_threadpool(needs.access.identity, request)
            except SnaplineError:
                return True  # nobody can tell just now; every page asks again
            return now == identity

        told = changes(needs.hub, QUIET, names=identity.apps is None, may_go_on=may_go_on, beat=BEAT)
        stream = ({"event": "changed", "data": names} async for names in told)
        return EventSourceResponse(stream, ping=PING)

    live.permission = "view"  # type: ignore[attr-defined]
    return [Route("/live", live)]
