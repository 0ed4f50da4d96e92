"""What went wrong with a request over HTTP, as RFC 9457 has it (https://www.rfc-editor.org/rfc/rfc9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
USUAL_CODES: Mapping[int, str] = {
    400: "Invalid",
    401: "NotSignedIn",
    403: "NotPermitted",
    404: "NoSuchRoute",
    405: "NoSuchRoute",
    500: "Fault",
    502: "Denied",
    503: "Transient",
}
"""By status, where nothing more is known."""


class WrongInput(BaseModel):
    """One thing that is wrong with a request: where, as `body.ttl` or `query.limit`, and why."""

    model_config = ConfigDict(extra="forbid")

    where: str
    why: str


class ProblemDocument(BaseModel):
    """Why a request was refused. `detail` says it in plain words, `code` to programs, `subject` names what it is about,
    and `what_to_do` how to go on.
    `error` is the detail again, and `success` is false, for programs that were written for KOTS."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    subject: str = ""
    what_to_do: str = ""
    wrong: list[WrongInput] = []
    success: Literal[False] = False
    error: str


class Problem(Exception):
    """A request that is refused: with which status, and why in plain words, which hold no secret."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        code: str = "",
        subject: str = "",
        what_to_do: str = "",
        wrong: Sequence[WrongInput] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.code = code or USUAL_CODES.get(status, "Invalid")
        self.subject, self.what_to_do, self.wrong = subject, what_to_do, list(wrong)


def document(problem: Problem) -> dict[str, Any]:
    """What is said. Its type is `about:blank`: status and code say all that a program needs."""
    return ProblemDocument(
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        subject=problem.subject,
        what_to_do=problem.what_to_do,
        wrong=problem.wrong,
        error=problem.detail,
    ).model_dump(mode="json")


def answer(problem: Problem) -> JSONResponse:
    """The problem as an answer."""
    return JSONResponse(document(problem), problem.status, problem.headers, MEDIA_TYPE)
