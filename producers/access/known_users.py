"""The users that signed in, as they were a few seconds ago, so that not every page asks the cluster."""

import threading
from collections.abc import Callable

import structlog

from producers.access import users
from producers.access.users import User
from producers.session import Session
from schemas.errors import SnaplineError

FRESH = 5.0
"""Seconds for which a user is remembered: so long one who was deleted may still be let in."""
MOST = 1000

log = structlog.get_logger("console")


class KnownUsers:
    """Safe for threads. While the cluster is away, those that are known stay as they were."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._session, self._clock = session, clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[User | None, float]] = {}

    def find(self, name: str) -> User | None:
        """Who has that name; None for nobody. Raises as the cluster where nothing is known."""
        with self._lock:
            known = self._known.get(name)
        if known is not None and self._clock() < known[1]:
            return known[0]
        try:
            found = users.user(self._session, name)
        except SnaplineError as error:
            if known is None:
                raise
            log.warning("a user cannot be read; what is known goes on", user=name, reason=error.with_place)
            return known[0]
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[name] = found, self._clock() + FRESH
        return found

    def forget(self, name: str) -> None:
        """The next one who asks gets what the cluster has."""
        with self._lock:
            self._known.pop(name, None)
