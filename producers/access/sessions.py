"""Who is signed in: kept as digests of random ids in one Secret, so that a console that starts again knows them still.

Only whoever signed in has the id itself. Each session is a key of the Secret, written and removed by a patch of its
own, so any number of consoles can share them.
"""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog

from producers.access import kept
from producers.access.identity import Identity
from producers.access.users import checked_role, granted, listed
from producers.session import Session
from schemas.errors import Invalid, NotFound, SnaplineError
from schemas.kubernetes import SECRETS

NAME = "snapline-console-sessions"
LABEL = "snapline.dev/console-sessions"
BYTES = 32

log = structlog.get_logger("console")


@dataclass(frozen=True)
class Limits:
    """A session ends when it was not used for `idle`, and in any case after `whole`. What is kept is read again after
    `fresh`, and that one was used is written down every `noted`. Of more than `most`, the oldest go."""

    idle: timedelta = timedelta(hours=2)
    whole: timedelta = timedelta(hours=12)
    fresh: timedelta = timedelta(seconds=5)
    noted: timedelta = timedelta(minutes=1)
    most: int = 1000


@dataclass(frozen=True)
class SignedIn:
    """A session: who it is, since when (UTC), and when it was last used. `stamp` is that of the user's password; of who
    signed in by `single sign-on` it is empty, and role and applications are as they were then."""

    name: str
    role: str
    apps: str
    stamp: str
    began: str
    used: str
    by: Literal["password", "single sign-on"] = "password"

    @property
    def identity(self) -> Identity:
        """What was true at the sign-in. Raises Invalid."""
        return Identity(self.name, checked_role(self.role), granted(self.apps))

    def goes_on(self, now: datetime, limits: Limits) -> bool:
        """Whether it has not ended by itself."""
        began, used = datetime.fromisoformat(self.began), datetime.fromisoformat(self.used)
        return now - used < limits.idle and now - began < limits.whole


class Sessions:
    """Those of this console. Safe for threads. While the cluster is away, those that are known go on."""

    def __init__(self, session: Session, now: Callable[[], datetime], limits: Limits | None = None) -> None:
        self._session, self._now, self._limits = session, now, limits or Limits()
        self._lock = threading.Lock()
        self._known: dict[str, SignedIn] = {}
        self._read_at: datetime | None = None

    def begin(self, identity: Identity, stamp: str, by: Literal["password", "single sign-on"] = "password") -> str:
        """A new session; its id, which nobody else has. Raises as the cluster."""
        id_, now = secrets.token_urlsafe(BYTES), self._now().isoformat()
        made = SignedIn(identity.name, identity.role, listed(identity.apps), stamp, now, now, by)
        with self._lock:
            self._refresh()
            ended = [digest for digest, each in self._known.items() if not each.goes_on(self._now(), self._limits)]
            left = sorted(set(self._known) - set(ended), key=lambda digest: self._known[digest].used)
            ended += left[: max(0, len(left) + 1 - self._limits.most)]
            self._write({digest_of(id_): made, **dict.fromkeys(ended)})
        return id_

    def find(self, id_: str) -> SignedIn | None:
        """The session of that id; None if it has ended, or never was. Raises as the cluster where nothing is known."""
        digest, now = digest_of(id_), self._now()
        with self._lock:
            self._refresh()
            found = self._known.get(digest)
            if found is None or not found.goes_on(now, self._limits):
                return None
            if now - datetime.fromisoformat(found.used) >= self._limits.noted:
                found = replace(found, used=now.isoformat())
                self._note(digest, found)
            return found

    def end(self, id_: str) -> None:
        """It is no longer good. Raises as the cluster; here it has ended all the same."""
        with self._lock:
            self._known.pop(digest_of(id_), None)
            self._write({digest_of(id_): None})

    def end_those_of(self, name: str) -> None:
        """All of a user are no longer good. Raises as the cluster."""
        with self._lock:
            self._refresh(always=True)
            self._write({digest: None for digest, each in self._known.items() if each.name == name})

    def _note(self, digest: str, found: SignedIn) -> None:
        """That it was used need not be written to be true."""
        self._known[digest] = found
        try:
            self._write({digest: found})
        except SnaplineError as error:
            log.warning("that a session was used could not be written down", reason=error.with_place)

    def _refresh(self, *, always: bool = False) -> None:
        now = self._now()
        if not always and self._read_at is not None and now - self._read_at < self._limits.fresh:
            return
        try:
            obj = kept.read(self._session.cluster, self._session.settings.console_namespace, NAME)
        except SnaplineError as error:
            if self._read_at is None:
                raise
            log.warning("sessions cannot be read; those that are known go on", reason=error.with_place)
            return
        self._known, self._read_at = _parsed(kept.texts_of(obj) if obj else {}), now

    def _write(self, changes: dict[str, SignedIn | None]) -> None:
        if not changes:
            return
        cluster, namespace = self._session.cluster, self._session.settings.console_namespace
        data = {digest: each and kept.encoded(json.dumps(asdict(each))) for digest, each in changes.items()}
        try:
            cluster.patch(SECRETS, namespace, NAME, {"data": data})
        except NotFound:
            kept.write(cluster, namespace, NAME, {LABEL: "true"}, {})
            cluster.patch(SECRETS, namespace, NAME, {"data": data})
        for digest, each in changes.items():
            if each is None:
                self._known.pop(digest, None)
            else:
                self._known[digest] = each


def digest_of(id_: str) -> str:
    """What is kept of an id. It is long and random, so that a plain hash tells nothing about it."""
    return hashlib.sha256(id_.encode(errors="replace")).hexdigest()


def _parsed(texts: dict[str, str]) -> dict[str, SignedIn]:
    """Those that can be read; who has another one signs in again."""
    found = {}
    for digest, text in texts.items():
        try:
            read = SignedIn(**json.loads(text))
            read.goes_on(datetime.fromisoformat(read.began), Limits())
            read.identity  # noqa: B018  # raises
        except (ValueError, TypeError, Invalid):
            continue
        found[digest] = read
    return found
