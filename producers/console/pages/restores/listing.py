"""`/restores`: all restores, the newest first."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import may
from producers.console.needs import needs_of
from producers.console.pages.restores.asking import of_restore
from producers.console.rendering import render
from producers.console.routing import identity_of, page
from producers.views.catalog import open_catalog

PAGE = 50
"""Rows of a page."""


def routes() -> list[BaseRoute]:
    """See the module."""
    return [page("/restores", show)]


def show(request: Request) -> Response:
    """Those that one may see; test restores only where they are asked for."""
    who, given = identity_of(request), request.query_params
    destination, tests = given.get("destination", ""), given.get("tests") == "on"
    found = open_catalog(needs_of(request).session, destination).restores()
    seen = [view for view in found if may(who, "view", view.app) and (tests or not view.test)]
    asked = given.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    pages = max(1, -(-len(seen) // PAGE))
    number = min(max(1, number), pages)
    return render(
        request,
        "pages/restores/list.html",
        views=seen[(number - 1) * PAGE : number * PAGE],
        all=len(seen),
        tests=tests,
        number=number,
        pages=pages,
        destination=destination,
        of_restore=of_restore,
    )
