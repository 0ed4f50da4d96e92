"""Whatever changes something, reveals it or takes it out is put into the audit trail, whatever came of it."""

from collections.abc import Callable
from typing import cast

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access import audit
from producers.access.identity import Permission
from producers.console.needs import needs_of
from schemas import events as e
from schemas.errors import Denied, SnaplineError

NAMING = (
    "name",
    "backup",
    "app",
    "slug",
    "schedule",
    "destination",
    "kind",
    "namespace",
    "object",
    "volume",
    "path",
    "queue",
    "id",
)
"""The fields of forms and addresses that say what was acted on. None of them has a secret."""

TAKEN_OUT = ("download", "reveal")
"""What a page itself gives away; a page that asks whether to delete has deleted nothing."""


def audited(
    request: Request, permission: Permission | None, given: FormData | None, act: Callable[[], Response]
) -> Response:
    """What `act` answers, once the trail has it: so nothing is revealed that is on no record. To look at a page is no
    act."""
    if permission is None or permission == "view" or (given is None and permission not in TAKEN_OUT):
        return act()
    try:
        answer = act()
    except SnaplineError as error:
        _record(request, permission, given, "refused" if isinstance(error, Denied) else "failed")
        raise
    _record(request, permission, given, "done" if answer.status_code < 400 else "failed")
    return answer


def refused(request: Request, permission: Permission) -> None:
    """Puts on record what was refused before anything was read of it. To look at a page is no act."""
    if permission != "view":
        _record(request, permission, None, "refused")


def acted_on(request: Request, given: FormData | None) -> str:
    """The address, and what the form or the address names besides: `/snapshots/settings/retention name=shop`."""
    fields = given if given is not None else request.query_params
    named = [f"{name}={fields[name]}" for name in NAMING if isinstance(fields.get(name), str) and fields[name]]
    return " ".join([request.url.path, *named])


def _record(request: Request, permission: Permission, given: FormData | None, outcome: e.Acted) -> None:
    needs = needs_of(request)
    address = needs.door.address(request) if needs.door else ""
    on = acted_on(request, given)
    audit.record(needs.session, request.state.identity, cast(e.Act, permission), on, address=address, outcome=outcome)
