"""`/`: whether everything is backed up."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.rendering import render
from producers.console.routing import page, seen


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [page("/", show), page("/dashboard", lambda _: seen("/"))]


def show(request: Request) -> Response:
    """See the module."""
    return render(request, "pages/home.html")
