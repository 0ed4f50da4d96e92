"""Who asks: by a bearer token, which may ask for some types of events only."""

import hmac
import threading
from collections.abc import Callable, Iterable

from producers.http.problems import Problem
from schemas.event_token import EventToken, digest_of

FRESH = 5.0
"""Seconds for which tokens are remembered: so long one that was deleted may still be good."""
CHALLENGE = 'Bearer realm="snapline"'


class Tokens:
    """Those that there are, read again every `FRESH` seconds. Safe for threads."""

    def __init__(self, read: Callable[[], Iterable[EventToken]], clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._known: list[EventToken] = []
        self._until: float | None = None

    def known(self) -> list[EventToken]:
        """Raises as `read`; what was known before does not count then."""
        with self._lock:
            if self._until is None or self._clock() >= self._until:
                self._known = list(self._read())
                self._until = self._clock() + FRESH
            return self._known


def bearer(header: str | None) -> str:
    """The token in a header `Authorization`. Raises Problem."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(401, "send the header `Authorization: Bearer TOKEN`", {"WWW-Authenticate": CHALLENGE})
    return token.strip()


def holder(known: Iterable[EventToken], token: str) -> EventToken:
    """Whose token it is. All are compared, in the same time each. Raises Problem."""
    digest = digest_of(token)
    found = [each for each in known if hmac.compare_digest(each.digest, digest)]
    if not found:
        headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
        raise Problem(401, "this token is not known here", headers)
    return found[0]
