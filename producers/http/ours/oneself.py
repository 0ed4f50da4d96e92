"""Who asks, and which Snapline answers."""

from importlib.metadata import version

from pydantic import BaseModel

from producers.access.identity import PERMISSIONS, Permission, Role, may_some
from producers.http.api.operation import Call


class Whoami(BaseModel):
    """Whose token or session it is, and what that one may: of all applications, or of `apps` alone."""

    name: str
    role: Role
    apps: list[str] | None
    permissions: list[Permission]
    version: str


def whoami(call: Call) -> Whoami:
    """Who asks, and what that one may."""
    who = call.identity
    return Whoami(
        name=who.name,
        role=who.role,
        apps=sorted(who.apps) if who.apps is not None else None,
        permissions=[each for each in PERMISSIONS if may_some(who, each)],
        version=version("snapline"),
    )
