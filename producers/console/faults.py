"""What a page says when it cannot be shown: what was tried, why not, and what now; never a traceback."""

from contextlib import suppress
from http import HTTPStatus

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import Identity
from producers.console.needs import needs_of
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
    title = TITLES.get(status, TITLES[503])
    return render(request, "fault.html", status, title=title, why=str(error), again=status == 503)


async def unserved(request: Request, error: Exception) -> Response:
    """No such page, or not by this method."""
    if not isinstance(error, HTTPException):
        raise error
    title, why = HTTPStatus(error.status_code).phrase, str(error.detail)
    if error.status_code == 404:
        title, why = "There is no such page", "The address may be mistyped, or from an older version."
    if not hasattr(request.state, "identity"):
        request.state.identity = await run_in_threadpool(_whoever, request)
    answer = render(request, "fault.html", error.status_code, title=title, why=why, again=False)
    answer.headers.update(error.headers or {})
    return answer


async def unexpected(request: Request, _: Exception) -> Response:
    """A fault of ours. Starlette raises the error again once this is sent, so the log has it."""
    return render(
        request, "fault.html", 500, title="Something went wrong here", why="The console's log says what.", again=True
    )


def _whoever(request: Request) -> Identity | None:
    """Who is signed in, as far as that can be known: nobody is kept from reading what is wrong."""
    with suppress(SnaplineError):
        return needs_of(request).access.identity(request)
    return None


TITLES = {
    400: "This cannot be done as it was asked for",
    403: "This is not allowed",
    404: "This is not there, or no longer",
    503: "This cannot be shown just now",
}
