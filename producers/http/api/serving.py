"""From a row of the table to a route: who asks, what was given, and what is answered."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from producers.access.identity import may_some
from producers.actions.deleting import Deletions
from producers.http import problems
from producers.http.api import auditing, failures
from producers.http.api.asking import SAFE, Access, asker
from producers.http.api.operation import JSON, Call, Operation
from producers.http.body import body as body_of
from producers.http.problems import Problem
from producers.session import Session
from schemas.errors import SnaplineError

HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
"""An answer may be kept by who asked, and is asked for again with its ETag."""

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
"""What a route answers to, if only that it has no such method."""
DOCUMENT = "/api/v1/openapi.json"

log = structlog.get_logger("http")


@dataclass(frozen=True)
class Needs:
    """What the API needs of the world. `now` is UTC."""

    session: Session
    access: Access
    now: Callable[[], datetime]


def routes(table: Iterable[Operation], needs: Needs) -> list[BaseRoute]:
    """A route for each path, with its methods. A parameter comes after a word in its place, so that it hides none."""
    by_path: dict[str, dict[str, Operation]] = {}
    for each in table:
        by_path.setdefault(each.path, {})[each.method] = each
    deletions = Deletions(needs.session)
    ordered = sorted(by_path.items(), key=lambda item: [part.startswith("{") for part in item[0].split("/")])
    return [Route(path, _endpoint(methods, needs, deletions), methods=METHODS) for path, methods in ordered]


def _endpoint(methods: dict[str, Operation], needs: Needs, deletions: Deletions) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        operation = methods.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            return problems.answer(_no_such_method(request, methods))
        try:
            return await _answered(operation, request, needs, deletions)
        except Problem as problem:
            return problems.answer(problem)
        except SnaplineError as error:
            said = failures.problem(error)
            if said.status > 500:
                log.warning("a request could not be served", path=request.url.path, reason=error.with_place)
            return problems.answer(said)
        except Exception:
            log.exception("a request has failed", path=request.url.path, method=request.method)
            return problems.answer(Problem(500, "something went wrong here; the server's log says what"))

    return endpoint


def _no_such_method(request: Request, methods: dict[str, Operation]) -> Problem:
    allowed = ", ".join(methods)
    text = f"there is no {request.method} {request.url.path:.200}; there is {allowed}"
    return Problem(405, text, {"Allow": allowed}, what_to_do=f"GET {DOCUMENT} lists all routes")


async def _answered(operation: Operation, request: Request, needs: Needs, deletions: Deletions) -> Response:
    identity = await run_in_threadpool(asker, needs.access, request)
    call = Call(needs.session, identity, needs.now(), request.headers, deletions)
    try:
        _allowed(operation, call, request)
        given = {**_named(operation, request), **_query(operation, request), **await _body(operation, request)}
        answer = await run_in_threadpool(_called, operation, call, given, request)
    except auditing.FAILURES as error:
        outcome = auditing.outcome_of(error)
        await run_in_threadpool(auditing.on_record, needs.session, identity, operation.permission, request, outcome)
        raise
    await run_in_threadpool(auditing.on_record, needs.session, identity, operation.permission, request, "done")
    if request.method not in SAFE:
        log.info("asked over HTTP", who=identity.name, method=request.method, path=request.url.path)
    return answer


def _called(operation: Operation, call: Call, given: dict[str, Any], request: Request) -> Response:
    said = operation.does(call, **given)
    if isinstance(said, Response):
        return said
    if operation.answer is None:
        return Response(status_code=204, headers=HEADERS)
    return _json(operation.answer, said, operation.status, request)


def _json(shape: TypeAdapter[Any], said: Any, status: int, request: Request) -> Response:
    content = shape.dump_json(said, by_alias=True)
    if request.method not in SAFE:
        return Response(content, status, HEADERS, JSON)
    tag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers, JSON)


def _allowed(operation: Operation, call: Call, request: Request) -> None:
    if operation.about == "found":
        if not may_some(call.identity, operation.permission):
            raise call.refuse(operation.permission)
        return
    call.require(operation.permission, request.path_params["app"] if operation.about == "app" else None)


def _named(operation: Operation, request: Request) -> dict[str, str]:
    return {name: request.path_params[name] for name in operation.in_path if name in operation.takes}


def _query(operation: Operation, request: Request) -> dict[str, BaseModel]:
    model = operation.query
    if model is None:
        return {}
    given = request.query_params
    several = {name for name, each in model.model_fields.items() if "list" in str(each.annotation)}
    said: dict[str, Any] = {name: given.getlist(name) if name in several else given[name] for name in given}
    try:
        return {"query": model.model_validate(said)}
    except ValidationError as error:
        raise failures.invalid(error, "query") from error


async def _body(operation: Operation, request: Request) -> dict[str, Any]:
    if operation.body is None:
        return {}
    read = await body_of(request)
    if not read and not operation.body_is_needed:
        return {}
    _must_be_json(request)
    try:
        return {"body": TypeAdapter(operation.body).validate_json(read)}
    except ValidationError as error:
        raise failures.invalid(error, "body") from error


def _must_be_json(request: Request) -> None:
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, f"the content type is {kind!r:.80}; send {JSON}")
