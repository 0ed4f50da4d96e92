"""Destinations: list, look at, try out, make the default, forget."""

from typing import Any

from pydantic import BaseModel, Field

from producers.actions import destinations as actions
from producers.http.api.operation import Call
from producers.http.ours.backups import Given
from producers.views import destinations as views
from producers.views.destinations import DestinationView, UnreadableDestination


class Checked(BaseModel):
    """One thing that was tried of a destination, and what came of it."""

    check: str
    ok: bool
    detail: str


class Default(Given):
    """Where requests go that name no destination."""

    name: str = Field(min_length=1, max_length=300)


class Forgetting(Given):
    """Whether to do it although jobs there are under way."""

    force: bool = False


def list_destinations(call: Call) -> list[DestinationView | UnreadableDestination]:
    """All storage destinations, without their secrets; and those that cannot be read."""
    return views.destinations(call.session)


def get_destination(call: Call, name: str) -> dict[str, Any]:
    """One destination: its provider's fields, without its secrets, and whether it has a passphrase."""
    return views.fields(actions.described(call.session, name))


def check_destination(call: Call, name: str) -> list[Checked]:
    """Try all that Snapline needs of a destination, one after the other. Nothing stays behind."""
    tried = actions.try_out(call.session, actions.described(call.session, name))
    return [Checked(check=each.check, ok=each.ok, detail=each.detail) for each in tried]


def set_default_destination(call: Call, body: Default) -> None:
    """Say where requests go that name no destination."""
    actions.set_default(call.session, body.name)


def forget_destination(call: Call, name: str, body: Forgetting | None = None) -> None:
    """Take a destination away. What it holds stays where it is."""
    actions.forget(call.session, name, force=bool(body and body.force))
