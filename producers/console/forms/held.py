"""Secrets that somebody has typed while the rest of the form is not right yet: in memory, for a quarter of an hour."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

KEPT_FOR = timedelta(minutes=15)
MOST = 100


@dataclass(frozen=True)
class _Kept:
    whose: str
    until: datetime
    secrets: Mapping[str, SecretStr]


class HeldSecrets:
    """Of each form by a token, for whom typed them alone. Safe for threads. `now` is UTC."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def keep(self, whose: str, typed: Mapping[str, SecretStr]) -> str:
        """What to ask for them by; "" where none was typed."""
        said = {name: value for name, value in typed.items() if value.get_secret_value()}
        if not said:
            return ""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_old()
            self._kept[token] = _Kept(whose, self._now() + KEPT_FOR, said)
        return token

    def find(self, whose: str, token: str) -> Mapping[str, SecretStr]:
        """What was typed; nothing for a token that is not known, any more or to them."""
        with self._lock:
            found = self._kept.get(token)
        return found.secrets if found and found.whose == whose and found.until > self._now() else {}

    def forget(self, token: str) -> None:
        """They are not needed any more."""
        with self._lock:
            self._kept.pop(token, None)

    def _forget_old(self) -> None:
        now = self._now()
        young = {token: each for token, each in self._kept.items() if each.until > now}
        self._kept = dict([*young.items()][-(MOST - 1) :])
