"""The addresses of snapshots, and the snapshot at an address."""

from urllib.parse import quote

from starlette.requests import Request

from producers.access.identity import Permission, require
from producers.console.needs import needs_of
from producers.console.routing import identity_of
from producers.views import jobs
from producers.views.job_views import BackupDetails, BackupView
from schemas.errors import Code, NotFound

FULL = "/snapshots/details/{name}"
PARTIAL = "/snapshots/partial/{slug}/{name}"
BOTH = (FULL, PARTIAL)
LONGEST_NAME = 63


def destination_of(request: Request) -> str:
    """Where the snapshots of an address are looked for: `?destination=nas`; empty for the default destination."""
    return request.query_params.get("destination", "").strip()[:LONGEST_NAME]


def kept(request: Request) -> dict[str, str]:
    """What links and redirects of that address take along."""
    destination = destination_of(request)
    return {"destination": destination} if destination else {}


def of_list(app: str | None) -> str:
    """The list of full snapshots, or of those of one application."""
    return f"/snapshots/partial/{quote(app, safe='')}" if app else "/snapshots"


def of_snapshot(name: str, app: str | None) -> str:
    """The details of one."""
    return f"{of_list(app)}/{quote(name, safe='')}" if app else f"/snapshots/details/{quote(name, safe='')}"


def at(request: Request, permission: Permission) -> BackupDetails:
    """The snapshot at the address. Raises NotFound, Damaged; Denied where it is of an application that the one who asks
    has no such `permission` for: what counts is what the snapshot is of, and not what the address says."""
    claimed = request.path_params.get("slug")
    require(identity_of(request), permission, claimed)
    found = anywhere(request, permission)
    if found.view.app != claimed:
        text = f"there is no snapshot {found.view.name!r:.80} of {claimed or 'everything'}"
        raise NotFound(text, code=Code.NO_SUCH_BACKUP)
    return found


def anywhere(request: Request, permission: Permission) -> BackupDetails:
    """As `at`, whatever the address says of whom it is."""
    found = jobs.backup(needs_of(request).session.store(destination_of(request)), request.path_params["name"])
    require(identity_of(request), permission, found.view.app)
    return found


def place(view: BackupView) -> str:
    """The address of its details."""
    return of_snapshot(view.name, view.app)
