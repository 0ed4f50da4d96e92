"""From what goes wrong below to a problem: which status it is, and what to do about it."""

from pydantic import ValidationError

from producers.http.api.remedies import remedy
from producers.http.problems import Problem, WrongInput
from schemas.errors import (
    AlreadyExists,
    Code,
    Damaged,
    Denied,
    Invalid,
    Locked,
    MalformedEvent,
    NotFound,
    SnaplineError,
)

RETRY = {"Retry-After": "5"}
CONFLICTS = frozenset(
    {
        Code.ALREADY_ENDED,
        Code.NOT_FINISHED,
        Code.BACKUP_IN_USE,
        Code.BACKUP_HELD,
        Code.BACKUP_DELETED,
        Code.LAST_GOOD,
        Code.DESTINATION_IN_USE,
        Code.DESTINATION_GIVEN,
        Code.REQUEST_DIFFERS,
    }
)
"""What was asked for is right, and does not fit how things stand."""
MOST_WRONG = 20
"""Faults of one request that are told."""
LONGEST = 300
"""Characters of why something is wrong."""


def problem(error: SnaplineError) -> Problem:
    """What is said of an error that has a name. Where our servers are is not."""
    status = _status(error)
    headers = RETRY if status == 503 else None
    return Problem(status, str(error), headers, code=error.code, subject=error.subject, what_to_do=remedy(error))


def invalid(error: ValidationError, where: str) -> Problem:
    """What is wrong with the `where` of a request: its body, its query."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    wrong = [
        WrongInput(where=".".join(str(part) for part in (where, *each["loc"]))[:LONGEST], why=each["msg"][:LONGEST])
        for each in found[:MOST_WRONG]
    ]
    text = "; ".join(f"{each.where}: {each.why}" for each in wrong[:3])
    what = "look into the list `wrong`; /api/v1/openapi.json has the shapes"
    status = 400 if where == "query" or found[0]["type"] == "json_invalid" else 422
    return Problem(status, text, code=Code.INVALID, what_to_do=what, wrong=wrong)


def _status(error: SnaplineError) -> int:
    match error:
        case Invalid() if error.code in CONFLICTS:
            return 409
        case _ if error.code == Code.NOT_PERMITTED:
            return 403
        case NotFound():
            return 404
        case AlreadyExists() | Locked():
            return 409
        case Invalid() | MalformedEvent():
            return 400
        case Denied() | Damaged():
            return 502
        case _:
            return 503
