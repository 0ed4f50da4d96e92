"""Signing in by a password, and out: what comes of it, whoever asks."""

from dataclasses import dataclass, replace

from producers.access import passwords, users
from producers.access.passwords import Passwords
from producers.access.sessions import Sessions
from producers.access.throttle import Throttle
from producers.access.users import User
from producers.session import Session
from schemas.errors import SnaplineError


@dataclass(frozen=True)
class Entered:
    """A session has begun; `id` is for the browser alone."""

    user: User
    id: str

    def __repr__(self) -> str:
        return f"Entered({self.user!r})"


@dataclass(frozen=True)
class MustChange:
    """The password is right, and for once: nothing has begun before there is another one."""

    user: User


@dataclass(frozen=True)
class Refused:
    """It was not the password of that name, or there is no such name. `left` tries remain; with none, trying pauses for
    `pause` seconds, in which even the right password is of no use. `user` is who was tried, for the audit trail
    alone."""

    left: int
    pause: float = 0.0
    user: User | None = None


@dataclass(frozen=True)
class Door:
    """What signing in takes. `passwords` are slow on purpose: call all of this from a thread."""

    session: Session
    passwords: Passwords
    sessions: Sessions
    throttle: Throttle

    def sign_in(self, name: str, password: str, address: str) -> Entered | MustChange | Refused:
        """What comes of trying; the same, and as slowly, for a name that nobody has. Raises as the cluster, and
        TransientError while too many are trying."""
        known = self._tried(name, password, address)
        if isinstance(known, Refused):
            return known
        if known.change:
            return MustChange(known)
        if self.passwords.outdated(known.password_hash):
            known = self._hashed_anew(known, password)
        return Entered(known, self.sessions.begin(known.identity, known.stamp))

    def change(self, name: str, old: str, new: str, address: str) -> Entered | Refused:
        """Another password: all sessions of the user end, and one begins. Raises Invalid for a password that is easily
        guessed, else as `sign_in`."""
        known = self._tried(name, old, address)
        if isinstance(known, Refused):
            return known
        passwords.check_new(new, name)
        if new == old:
            raise passwords.same()
        changed = replace(known, password_hash=self.passwords.hash(new), change=False)
        users.put(self.session, changed)
        self.sessions.end_those_of(name)
        return Entered(changed, self.sessions.begin(changed.identity, changed.stamp))

    def _tried(self, name: str, password: str, address: str) -> User | Refused:
        standing = self.throttle.begin(name, address)
        if standing.pause > 0:
            return Refused(0, standing.pause)
        known = users.user(self.session, name)
        if not self.passwords.fits(known.password_hash if known else None, password) or known is None:
            return Refused(standing.left, 0.0 if standing.left else self.throttle.limits.pause, known)
        self.throttle.passed(name, address)
        return known

    def _hashed_anew(self, known: User, password: str) -> User:
        """With as much work as is done today; that this cannot be kept is no reason to refuse anybody."""
        better = replace(known, password_hash=self.passwords.hash(password))
        try:
            users.put(self.session, better)
        except SnaplineError:
            return known
        return better
