"""`/live`: Server-Sent Events, which say that something has changed."""

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from producers.console.live import changes
from producers.console.needs import Needs

QUIET = 0.5
"""Seconds between two changes that a browser is told."""
PING = 10
"""Seconds after which a silent connection says that it is there."""


def routes(needs: Needs) -> list[BaseRoute]:
    """See the module."""

    async def live(request: Request) -> Response:
        identity = needs.access.identity(request)
        if identity is None:
            return Response(status_code=401)
        stream = (
            {"event": "changed", "data": names}
            async for names in changes(needs.hub, QUIET, names=identity.apps is None)
        )
        return EventSourceResponse(stream, ping=PING)

    live.permission = "view"  # type: ignore[attr-defined]
    return [Route("/live", live)]
