"""What the console needs of the world, made once and passed along."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.datastructures import FormData
from starlette.requests import Request

from producers.access.identity import Identity
from producers.access.web import Doorkeeper
from producers.console.live import Hub
from producers.session import Session


class Access(Protocol):
    """Who asks, and whether a form comes from a page of ours."""

    def identity(self, request: Request) -> Identity | None:
        """Who is signed in; None if nobody is."""
        ...

    def form_token(self, request: Request) -> str:
        """What each form of this session has to bring."""
        ...

    def check_form(self, request: Request, form: FormData) -> None:
        """Raises Denied for a form that is not from a page of this session."""
        ...


@dataclass(frozen=True)
class Needs:
    """`now` is UTC. `development` adds pages for those who build the console. Without a `door` nobody can sign in, as
    where `access` says that somebody is. After `patience` (seconds) a page says that what it shows is still being read
    for the first time; `glance` is as long as it waits for what it can do without."""

    session: Session
    access: Access
    hub: Hub
    now: Callable[[], datetime]
    development: bool = False
    door: Doorkeeper | None = None
    patience: float = 60.0
    glance: float = 60.0


def door_of(request: Request) -> Doorkeeper:
    """How people sign in. Only for pages of a console that has a door."""
    found = needs_of(request).door
    if found is None:
        raise RuntimeError("this console has no door")
    return found


def needs_of(request: Request) -> Needs:
    """What the application was made with."""
    found: Needs = request.app.state.needs
    return found
