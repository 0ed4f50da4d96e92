"""Light, dark, or as the system has it: kept in a cookie of the browser."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.rendering import THEMES
from producers.console.routing import form, seen, text

YEAR = 365 * 24 * 3600


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [form("/theme", choose, "view")]


def choose(_: Request, given: FormData) -> Response:
    """Back to where it was chosen."""
    back = text(given, "back", "/")
    answer = seen(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    chosen = text(given, "theme")
    if chosen in THEMES:
        answer.set_cookie("theme", chosen, max_age=YEAR, httponly=True, samesite="lax")
    else:
        answer.delete_cookie("theme")
    return answer
