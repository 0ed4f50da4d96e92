"""What signing in takes, put together for one process."""

from collections.abc import Callable
from datetime import datetime

from producers.access.door import Door
from producers.access.known_users import KnownUsers
from producers.access.passwords import Passwords
from producers.access.sessions import Sessions
from producers.access.throttle import Throttle
from producers.access.tokens import Tokens
from producers.access.web import Doorkeeper, way
from producers.session import Session


def doorkeeper(
    session: Session, now: Callable[[], datetime], clock: Callable[[], float], passwords: Passwords | None = None
) -> Doorkeeper:
    """`now` is UTC, `clock` counts seconds. Raises Invalid for settings that cannot be."""
    door = Door(session, passwords or Passwords(), Sessions(session, now), Throttle(clock))
    return Doorkeeper(door, Tokens(session, clock, now), KnownUsers(session, clock), way(session.settings))
