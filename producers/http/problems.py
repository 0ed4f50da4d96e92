"""What went wrong with a request over HTTP, as RFC 9457 has it (https://www.rfc-editor.org/rfc/rfc9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is refused: with which status, and why in plain words, which hold no secret."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def answer(problem: Problem) -> JSONResponse:
    """The problem as an answer. Its type is `about:blank`: the status says all that a program needs."""
    said = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    return JSONResponse(said, problem.status, problem.headers, MEDIA_TYPE)
