"""Applications: list, register, forget."""

from pydantic import Field

from producers.access.identity import may
from producers.actions import applications as actions
from producers.http.api.operation import Call
from producers.http.ours.backups import Given
from producers.views import applications as views
from producers.views.applications import ApplicationView
from producers.views.notifying import objectives
from producers.views.unreadable import Unreadable


class Registration(Given):
    """What is registered of an application; what is left out stays as it was. `license` and `backup` are the YAML that
    it ships. `force` registers a license that allows no snapshots all the same."""

    name: str | None = Field(default=None, max_length=300)
    version: str | None = Field(default=None, max_length=300)
    sequence: int | None = Field(default=None, ge=0, le=2**62)
    namespaces: list[str] | None = Field(default=None, max_length=1000)
    license: str | None = None
    backup: str | None = None
    force: bool = False


def list_applications(call: Call) -> list[ApplicationView | Unreadable]:
    """The registered applications, and what their licenses allow; and what registers one but cannot be read."""
    found = views.applications(call.session, call.now)
    return [each for each in found if may(call.identity, "view", None if isinstance(each, Unreadable) else each.slug)]


def get_application(call: Call, app: str) -> ApplicationView | Unreadable:
    """One application, and what its license allows."""
    return views.application(call.session, app, call.now)


def register_application(call: Call, app: str, body: Registration) -> ApplicationView:
    """Register an application, or change its registration."""
    return actions.register(
        call.session,
        app,
        license=body.license,
        backup=body.backup,
        name=body.name,
        version=body.version,
        sequence=body.sequence,
        namespaces=body.namespaces,
        force=body.force,
    )


def forget_application(call: Call, app: str) -> None:
    """Take an application's registration away. Its backups stay."""
    actions.forget(call.session, app)


def list_objectives(call: Call) -> dict[str, float]:
    """How old the last good backups of applications may be, in seconds."""
    found = objectives.objectives(call.session)
    return {app: each.total_seconds() for app, each in found.items() if may(call.identity, "view", app)}
