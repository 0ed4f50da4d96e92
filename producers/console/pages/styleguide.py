"""`/styleguide`: all components in all states, for those who build the console."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.rendering import render
from producers.console.routing import page
from producers.console.states import STATES


def routes(needs: Needs) -> list[BaseRoute]:
    """None but in development."""
    return [page("/styleguide", show)] if needs.development else []


def show(request: Request) -> Response:
    """See the module."""
    return render(request, "pages/styleguide.html", states=list(STATES))
