"""`/api`: the routes of the HTTP API and the shapes of what they take and answer, for people."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.rendering import render
from producers.console.routing import page
from producers.http import routes as api
from producers.http.api import readable


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [page("/api", show)]


def show(request: Request) -> Response:
    """All of it: what may be done with it depends on who asks there."""
    document = api.document()
    areas, shapes = readable.areas(document), readable.shapes(document)
    return render(request, "pages/api.html", about=document["info"]["description"], areas=areas, shapes=shapes)
