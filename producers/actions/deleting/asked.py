"""Which backups are being deleted: nothing in the store says so before it is done, but who has asked knows it, and
hears the answer by the event feed."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.actions.answers import BEFORE, believed
from producers.actions.jobs import Requested
from producers.event_feed import Listener, Missed
from producers.session import Session
from schemas import events as e
from schemas.messages import Message

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

MOST = 200
"""Deletions that are remembered; of older ones it is only seen when they are done."""


@dataclass
class _Going:
    listener: Listener
    failure: Message | None = None


class Deletions:
    """Of one destination, by the names of backups. Safe for threads."""

    def __init__(self, session: Session) -> None:
        self._session, self._lock = session, threading.Lock()
        self._known: dict[str, _Going] = {}

    def asked(self, requested: Requested) -> None:
        """The deletion of a backup was asked for."""
        listener, name = self._session.events.listen(requested.event.time - BEFORE), requested.job.name
        with self._lock:
            self._forget(name)
            for oldest in [*self._known][: max(0, len(self._known) + 1 - MOST)]:
                self._forget(oldest)
            self._known[name] = _Going(listener)

    def settle(self, there: Collection[str] | None = None) -> None:
        """Hears what was answered, and forgets those that are no longer `there`; none if that is not known."""
        with self._lock:
            for name, each in [*self._known.items()]:
                each.failure = each.failure or self._answer(name, each.listener)
                if there is not None and name not in there:
                    self._forget(name)

    def going(self) -> set[str]:
        """Those that have not failed so far."""
        with self._lock:
            return {name for name, each in self._known.items() if each.failure is None}

    def failures(self) -> dict[str, Message]:
        """Why others were not deleted."""
        with self._lock:
            return {name: each.failure for name, each in self._known.items() if each.failure is not None}

    def _forget(self, name: str) -> None:
        if (known := self._known.pop(name, None)) is not None:
            known.listener.close()

    def _answer(self, name: str, listener: Listener) -> Message | None:
        failure = None
        while (heard := listener.get(0)) is not None:
            if not isinstance(heard, Missed):
                failure = self._refusal(name, heard) or failure
        return failure

    def _refusal(self, name: str, heard: "Logged") -> Message | None:
        said = heard.event.data
        if isinstance(said, e.BackupDeleteFailed) and said.backup == name and believed(self._session, heard):
            return said.reason
        return None
