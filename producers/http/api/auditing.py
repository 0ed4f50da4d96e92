"""Whatever the API changes, reveals or gives out is put into the audit trail, whatever came of it."""

from typing import cast

from starlette.requests import Request

from producers.access import audit
from producers.access.identity import Identity, Permission
from producers.http.problems import Problem
from producers.session import Session
from schemas import events as e
from schemas.errors import Denied, SnaplineError


def outcome_of(error: Exception) -> e.Acted:
    """Whether somebody was refused, or something has failed."""
    return "refused" if isinstance(error, Denied) or (isinstance(error, Problem) and error.status == 403) else "failed"


def on_record(session: Session, identity: Identity, permission: Permission, request: Request, outcome: e.Acted) -> None:
    """Tells the trail. To look at lists is no act."""
    if permission != "view":
        address = request.client.host if request.client else ""
        about = f"{request.method} {request.url.path}"
        audit.record(session, identity, cast(e.Act, permission), about, address=address, outcome=outcome)


FAILURES = (Problem, SnaplineError)
"""What is answered with a problem document."""
