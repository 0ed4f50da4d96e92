"""Tokens for programs that use the HTTP API: each kept as a Secret that holds its hash, with what it may do."""

import hmac
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from producers.access import kept
from producers.access.identity import PERMISSIONS, Identity, Permission, Role
from producers.access.users import ALL, checked_name, checked_role, granted, listed
from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas.errors import Code, Invalid, NotFound
from schemas.event_token import digest_of
from schemas.kubernetes import SECRETS, Object
from schemas.messages import told

LABEL = "snapline.dev/access-token"
"""Marks the Secret of a token; the value is its name."""
NAME_PREFIX = "snapline-access-token-"
BEGINNING = "snapline_"
"""What tokens begin with, so that they are found where they should not be."""
BYTES = 32
FRESH = 5.0
"""Seconds for which tokens are remembered: so long one that was deleted may still be good."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Token:
    """What its holder may: as a user of that role and applications, and of that only `only`, None for all of it; until
    `expires_at` (UTC), None for no end. `made_by` is who has made it."""

    name: str
    role: Role
    apps: frozenset[str] | None
    only: frozenset[Permission] | None
    digest: str
    made_by: str = ""
    expires_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Its holder, called after it."""
        return Identity(f"token/{self.name}", self.role, self.apps, self.only)

    def __repr__(self) -> str:
        return f"Token({self.name!r})"


@dataclass(frozen=True)
class Made:
    """A new token. `token` is shown once, and kept nowhere."""

    kept: Token
    token: str

    def __repr__(self) -> str:
        return f"Made({self.kept.name!r})"


def scopes(text: str) -> frozenset[Permission] | None:
    """The permissions in a comma list, None for `*`. Raises Invalid."""
    named = {each.strip() for each in text.split(",") if each.strip()}
    if ALL in named:
        return None
    if unknown := sorted(named - set(PERMISSIONS)):
        raise Invalid(f"{unknown[0]!r:.80} is no permission; there are {', '.join(PERMISSIONS)}", subject=unknown[0])
    return frozenset(each for each in PERMISSIONS if each in named)


def make(
    session: Session,
    name: str,
    role: str,
    *,
    apps: str = ALL,
    only: str = ALL,
    made_by: str = "",
    now: datetime,
    days: int | None = None,
) -> Made:
    """A token; one of the same name is no longer good. `apps` and `only` are comma lists. Raises Invalid, and as the
    cluster."""
    if days is not None and not 1 <= days <= 3650:
        raise Invalid("a token is good for 1 to 3650 days")
    token = BEGINNING + secrets.token_urlsafe(BYTES)
    expires_at = now + timedelta(days=days) if days is not None else None
    made = Token(
        checked_name(name), checked_role(role), granted(apps), scopes(only), digest_of(token), made_by, expires_at
    )
    namespace = session.settings.console_namespace
    kept.write(session.cluster, namespace, NAME_PREFIX + made.name, {LABEL: made.name}, _texts(made))
    return Made(made, token)


def forget(session: Session, name: str) -> None:
    """The token is no longer good. Raises NotFound, and as the cluster."""
    namespace = session.settings.console_namespace
    try:
        checked_name(name)
    except Invalid:
        raise no_such(name) from None
    if kept.read(session.cluster, namespace, NAME_PREFIX + name) is None:
        raise no_such(name)
    session.cluster.delete(SECRETS, namespace, NAME_PREFIX + name)


def no_such(name: str) -> NotFound:
    """What is said of a name that no token has."""
    return NotFound(f"there is no token {name!r:.80}", code=Code.NO_SUCH_TOKEN, subject=name)


def tokens(session: Session) -> list[Token | Unreadable]:
    """All of them, by name. Raises as the cluster."""
    return sorted(_all(session), key=lambda each: each.name)


class Tokens:
    """Those that there are, read again every `FRESH` seconds. Safe for threads."""

    def __init__(self, session: Session, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        """`clock` counts seconds, `now` is UTC."""
        self._session, self._clock, self._now = session, clock, now
        self._lock = threading.Lock()
        self._known: list[Token] = []
        self._until: float | None = None

    def holder(self, token: str) -> Identity | None:
        """Who has that token; None for one that is not, or no longer, good. All are compared, in the same time each.
        Raises as the cluster."""
        digest = digest_of(token)
        found = [each for each in self._read() if hmac.compare_digest(each.digest, digest)]
        good = [each for each in found if each.expires_at is None or self._now() < each.expires_at]
        return good[0].identity if good else None

    def _read(self) -> list[Token]:
        with self._lock:
            if self._until is None or self._clock() >= self._until:
                self._known = [each for each in _all(self._session) if isinstance(each, Token)]
                self._until = self._clock() + FRESH
            return self._known


def from_secret(obj: Object) -> Token:
    """What is kept in a Secret. Raises Invalid, without any of its data."""
    name = str(obj["metadata"]["name"])
    try:
        texts = kept.texts_of(obj)
        if not _DIGEST.fullmatch(texts["sha256"]):
            raise ValueError("no digest")
        expires = texts.get("expires-at", "")
        return Token(
            name=checked_name(name.removeprefix(NAME_PREFIX)),
            role=checked_role(texts["role"]),
            apps=granted(texts["apps"]),
            only=scopes(texts["only"]),
            digest=texts["sha256"],
            made_by=texts.get("made-by", ""),
            expires_at=datetime.fromisoformat(expires) if expires else None,
        )
    except (KeyError, ValueError, Invalid):
        text = f"the Secret {name!r:.300} keeps no token that can be read; delete it, and make the token anew"
        raise Invalid(text, subject=name) from None


def _texts(token: Token) -> dict[str, str]:
    return {
        "role": token.role,
        "apps": listed(token.apps),
        "only": ALL if token.only is None else ",".join(sorted(token.only)),
        "sha256": token.digest,
        "made-by": token.made_by,
        "expires-at": token.expires_at.isoformat() if token.expires_at else "",
    }


def _all(session: Session) -> Iterator[Token | Unreadable]:
    for obj in kept.labelled(session.cluster, session.settings.console_namespace, LABEL):
        try:
            yield from_secret(obj)
        except Invalid as error:
            yield Unreadable(obj["metadata"]["name"], told(error))
