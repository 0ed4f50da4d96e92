"""What a page says when it cannot be shown: what was tried, why not, and what now; never a traceback."""

from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from producers.console.rendering import render
from schemas.errors import Denied, Invalid, NotFound, SnaplineError

log = structlog.get_logger("console")


def status_of(error: SnaplineError) -> int:
    """The status of HTTP that fits the family of an error."""
    match error:
        case NotFound():
            return 404
        case Denied():
            return 403
        case Invalid():
            return 400
        case _:
            return 503


async def known(request: Request, error: Exception) -> Response:
    """A failure with a name."""
    if not isinstance(error, SnaplineError):
        raise error
    status = status_of(error)
    if status == 503:
        log.warning("a page could not be shown", path=request.url.path, reason=error.with_place)
    return render(request, "fault.html", status, title=TITLES.get(status, TITLES[503]), why=str(error))


async def unserved(request: Request, error: Exception) -> Response:
    """No such page, or not by this method."""
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    why = "There is no such page here." if error.status_code == 404 else str(error.detail)
    answer = render(request, "fault.html", error.status_code, title=title, why=why)
    answer.headers.update(error.headers or {})
    return answer


async def unexpected(request: Request, _: Exception) -> Response:
    """A fault of ours. Starlette raises the error again once this is sent, so the log has it."""
    return render(request, "fault.html", 500, title="Something went wrong here", why="The console's log says what.")


TITLES = {
    400: "This cannot be done as it was asked for",
    403: "This is not allowed",
    404: "This is not there, or no longer",
    503: "This cannot be shown just now",
}
