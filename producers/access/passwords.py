"""Passwords: kept as argon2id hashes, which take time and memory to try, so that no more than a few are tried at once.

Call these from a thread, never from the event loop.
"""

import secrets
import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import Invalid, TransientError

SHORTEST, LONGEST = 12, 1000
"""Characters."""
AT_ONCE = 2
"""Hashes that are computed at the same time: each takes 64 MiB and a tenth of a second."""
PATIENCE = 10.0
"""Seconds that one waits for its turn."""
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of one-time passwords: nothing that is mistaken for something else when it is copied by hand."""


class Passwords:
    """Hashes and compares. Safe for threads."""

    def __init__(self, hasher: PasswordHasher | None = None, patience: float = PATIENCE) -> None:
        self._hasher, self._patience = hasher or PasswordHasher(), patience
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """The hash to keep. Raises TransientError while too many are waiting."""
        with _Turn(self._turns, self._patience):
            return self._hasher.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the password of that hash; the same work is done where there is none. Raises TransientError
        while too many are waiting."""
        with _Turn(self._turns, self._patience):
            try:
                fits = self._hasher.verify(kept or self._nobodys, password[: LONGEST + 1])
            except (VerificationError, InvalidHashError):
                return False
        return fits and kept is not None and len(password) <= LONGEST

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with less work than is done today."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())


class _Turn:
    def __init__(self, turns: threading.BoundedSemaphore, patience: float) -> None:
        self._turns, self._patience = turns, patience

    def __enter__(self) -> None:
        if not self._turns.acquire(timeout=self._patience):
            raise TransientError("too many are signing in just now; try again in a minute")

    def __exit__(self, *_: object) -> None:
        self._turns.release()


def check_hash(kept: str) -> str:
    """The hash itself. Raises Invalid for what is no argon2 hash, without naming it."""
    if not kept.startswith("$argon2"):
        raise Invalid("what is kept as a password is no argon2 hash; make one with argon2id")
    return kept


def check_new(password: str, name: str) -> None:
    """Raises Invalid for a password that is easily guessed, or that cannot be one."""
    if len(password) < SHORTEST:
        raise Invalid(f"the new password has {len(password)} characters; it takes {SHORTEST} at least")
    if len(password) > LONGEST:
        raise Invalid(f"the new password has {len(password)} characters; {LONGEST} are the most")
    if len(set(password)) < 5 or (name.lower() in password.lower().replace(" ", "") and len(password) < 2 * SHORTEST):
        raise Invalid("the new password is easily guessed: take several words, or one from a password manager")


def same() -> Invalid:
    """What is said of a new password that is the old one."""
    return Invalid("the new password is the old one")


def one_time() -> str:
    """A password for once, in four groups of five: 98 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
