"""The web application: one route, `POST /events`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from producers.http import problems
from producers.http.asking import RETRY, Asked, ask
from producers.http.body import body
from producers.http.problems import Problem
from producers.http.reading import event_in
from producers.http.tokens import Tokens, bearer, holder
from producers.session import Session
from producers.views.outside import event_tokens
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas.errors import SnaplineError
from schemas.event_token import EventToken
from schemas.rights import user

log = structlog.get_logger("http")


@dataclass(frozen=True)
class Needs:
    """What the application needs: whose tokens are good, where requests go, as which `sender`, and the time."""

    tokens: Tokens
    publish: Callable[[e.AnyEvent], None]
    sender: str
    now: Callable[[], datetime]


def events_of(session: Session) -> Needs:
    """What `POST /events` needs, of a session."""
    tokens = Tokens(lambda: _good(session), monotonic)
    return Needs(tokens, session.bus.publish, user(session.settings), lambda: datetime.now(UTC))


def route(needs: Needs) -> Route:
    """`POST /events`, wherever it is served."""

    async def events(request: Request) -> Response:
        try:
            return await _post(request, needs)
        except Problem as problem:
            return problems.answer(problem)

    return Route("/events", events, methods=["POST"])


def application(needs: Needs) -> Starlette:
    """The ASGI application. Every refusal is a problem document."""
    return Starlette(
        routes=[route(needs)],
        exception_handlers={HTTPException: _not_served, Exception: _failed},
    )


async def _post(request: Request, needs: Needs) -> Response:
    token = bearer(request.headers.get("authorization"))
    try:
        who = holder(await run_in_threadpool(needs.tokens.known), token)
    except SnaplineError as error:
        log.warning("tokens cannot be read", reason=error.with_place)
        raise Problem(503, "who may ask cannot be looked up just now; send the same event again", RETRY) from error
    event = event_in({name.lower(): value for name, value in request.headers.items()}, await body(request))
    asked = await run_in_threadpool(ask, event, who, needs.publish, needs.sender, needs.now())
    log.info("asked over HTTP", token=who.name, type=event.type, event_id=event.id, job=str(asked.job or ""))
    return JSONResponse(_said(asked), 202)


def _said(asked: Asked) -> dict[str, str | None]:
    event, job = asked.event, asked.job
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "kind": job.kind if job else None,
        "name": job.name if job else None,
    }


async def _not_served(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problems.answer(Problem(error.status_code, "there is only POST /events here", error.headers))


async def _failed(_request: Request, _error: Exception) -> Response:
    """Starlette raises the error again once this is sent, so the log has it."""
    return problems.answer(Problem(500, "something went wrong here; the server's log says what"))


def _good(session: Session) -> list[EventToken]:
    """The tokens that can be read; the others are logged."""
    good = []
    for each in event_tokens.read(session.cluster, session.settings.console_namespace):
        if isinstance(each, Unreadable):
            log.warning("a token is passed over", name=each.name, reason=str(each.problem))
        else:
            good.append(each)
    return good
