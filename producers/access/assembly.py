"""What signing in takes, put together for one process."""

import os
from collections.abc import Callable
from datetime import datetime

from producers.access.door import Door
from producers.access.known_users import KnownUsers
from producers.access.oidc import SingleSignOn
from producers.access.oidc_settings import provider
from producers.access.passwords import Passwords
from producers.access.sessions import Sessions
from producers.access.throttle import Throttle
from producers.access.tokens import Tokens
from producers.access.web import Doorkeeper, way
from producers.session import Session
from schemas.kubernetes import SECRETS, Object


def doorkeeper(
    session: Session, now: Callable[[], datetime], clock: Callable[[], float], passwords: Passwords | None = None
) -> Doorkeeper:
    """`now` is UTC, `clock` counts seconds. Raises Invalid for settings that cannot be."""
    door = Door(session, passwords or Passwords(), Sessions(session, now), Throttle(clock))
    single = single_sign_on(session, lambda: now().timestamp())
    return Doorkeeper(door, Tokens(session, clock, now), KnownUsers(session, clock), way(session.settings), single)


def single_sign_on(session: Session, clock: Callable[[], float]) -> SingleSignOn | None:
    """With the provider of the settings, if there is one. Raises Invalid, and as the cluster where its secret is."""

    def read(name: str) -> Object:
        return session.cluster.get(SECRETS, session.settings.console_namespace, name)

    found = provider(session.settings, read, os.environ)
    return SingleSignOn(found, clock) if found else None
