"""All routes of the API, to be served alone or beside the console's pages."""

from functools import cache
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from producers.http import problems
from producers.http.api import openapi, serving
from producers.http.api.serving import DOCUMENT, METHODS, Needs
from producers.http.kots import table as kots
from producers.http.ours import table as ours
from producers.http.problems import Problem

TABLE = (*kots.TABLE, *ours.TABLE)
DOCUMENT_PATHS = ("/openapi.json", DOCUMENT)


def routes(needs: Needs) -> list[BaseRoute]:
    """The table's, the document about them, and a plain word where there is none."""
    return [
        *(Route(path, _document, methods=["GET"]) for path in DOCUMENT_PATHS),
        *serving.routes(TABLE, needs),
        Route("/api/{rest:path}", _not_served, methods=METHODS),
    ]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return openapi.document(TABLE, version("snapline"))


async def _document(_: Request) -> Response:
    return JSONResponse(document())


async def _not_served(request: Request) -> Response:
    text = f"there is no {request.method} {request.url.path:.200} here"
    return problems.answer(Problem(404, text, what_to_do=f"GET {DOCUMENT} lists all routes"))
