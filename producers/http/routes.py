"""All routes of the API, to be served alone or beside the console's pages."""

from functools import cache
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from producers.access.guard import Guard
from producers.http import app, problems
from producers.http.api import openapi, serving
from producers.http.api.serving import DOCUMENT, METHODS, Needs
from producers.http.kots import table as kots
from producers.http.ours import table as ours
from producers.http.problems import Problem

TABLE = (*kots.TABLE, *ours.TABLE)
DOCUMENT_PATHS = ("/openapi.json", DOCUMENT)


def routes(needs: Needs) -> list[BaseRoute]:
    """`POST /events`, the table's, the document about them, and a plain word where there is none."""
    return [
        app.route(app.events_of(needs.session)),
        *(Route(path, _document, methods=["GET"]) for path in DOCUMENT_PATHS),
        *serving.routes(TABLE, needs),
        Route("/api/{rest:path}", _not_served, methods=METHODS),
    ]


def application(needs: Needs) -> Starlette:
    """The API alone, behind the guard that the console has, too."""
    served = Starlette(routes=[*routes(needs), Route("/{rest:path}", _not_served, methods=METHODS)])
    served.middleware_stack = Guard(served.build_middleware_stack(), open_to_all=("/events",))
    return served


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return openapi.document(TABLE, version("snapline"))


async def _document(_: Request) -> Response:
    return JSONResponse(document())


async def _not_served(request: Request) -> Response:
    text = f"there is no {request.method} {request.url.path:.200} here"
    return problems.answer(Problem(404, text, what_to_do=f"GET {DOCUMENT} lists all routes"))
