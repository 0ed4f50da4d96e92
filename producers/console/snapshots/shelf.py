"""The snapshots of a destination, read once for all who ask within a second; and what was asked for here,
which is shown at once."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from producers.actions.deleting import Deletions
from producers.actions.jobs import Requested
from producers.console.needs import Needs
from producers.session import Session
from producers.views.catalog import open_catalog
from producers.views.console import rows
from producers.views.console.app_names import AppName, app_names
from producers.views.console.restores_underway import RestoreUnderway, restores_underway
from producers.views.job_views import BackupView
from schemas.errors import SnaplineError
from schemas.events import THE_DEFAULT
from schemas.messages import Message

AGE = 1.0
"""Seconds for which what was read is good enough."""
AGE_OF_APPS = 3.0
"""As `AGE`, of the registered applications."""


@dataclass(frozen=True)
class Listed:
    """What was read, and `at` which time (UTC; None for never); and which `restores` are under way. With a `problem`,
    nothing could be read just now."""

    views: Sequence[BackupView]
    at: datetime | None = None
    problem: SnaplineError | None = None
    restores: Sequence[RestoreUnderway] = ()


@dataclass(frozen=True)
class _Begun:
    name: str
    app: str | None
    at: datetime


@dataclass
class _State:
    listed: Listed = Listed(())
    read_at: float = float("-inf")
    apps: Sequence[AppName] = ()
    apps_problem: SnaplineError | None = None
    apps_read_at: float = float("-inf")
    begun: dict[str, _Begun] = field(default_factory=dict)


class Shelf:
    """Safe for threads. One for a process and a destination."""

    def __init__(
        self,
        session: Session,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        destination: str = THE_DEFAULT,
    ):
        """`clock` is in seconds."""
        self._session, self._now, self._clock, self._destination = session, now, clock, destination
        self._lock, self._state, self._deletions = threading.Lock(), _State(), Deletions(session)
        self._first_lock = threading.Lock()
        self._first: threading.Thread | None = None

    def is_read(self, patience: float) -> bool:
        """Whether they were read since the process began; waits so many seconds for that. Reading goes on."""
        with self._first_lock:
            if self._first is None:
                self._first = threading.Thread(target=self.listed, name="first list", daemon=True)
                self._first.start()
        self._first.join(patience)
        return not self._first.is_alive()

    def listed(self) -> Listed:
        """All snapshots, the newest first. What was last read is given, with the problem, where they cannot be read."""
        with self._lock:
            if self._clock() - self._state.read_at >= AGE:
                self._state.listed = self._read(self._state.listed)
                self._state.read_at = self._clock()
                self._settle({view.name for view in self._state.listed.views})
            return self._state.listed

    def apps(self) -> tuple[Sequence[AppName], SnaplineError | None]:
        """The registered applications, by name; those that were last read, and why, where they cannot be."""
        with self._lock:
            if self._clock() - self._state.apps_read_at >= AGE_OF_APPS:
                try:
                    self._state.apps, self._state.apps_problem = app_names(self._session), None
                except SnaplineError as problem:
                    self._state.apps_problem = problem
                self._state.apps_read_at = self._clock()
            return self._state.apps, self._state.apps_problem

    def rows(self, found: Sequence[BackupView], app: str | None) -> list[rows.Row]:
        """Rows of `found`, with what was asked for here of `app` (None for full snapshots)."""
        with self._lock:
            begun = [each for each in self._state.begun.values() if each.app == app]
        going = self._deletions.going()
        news = [rows.preparing(each.name, each.app, each.at, self._now()) for each in reversed(begun)]
        return rows.as_asked([rows.row(view) for view in found], news, going)

    def began(self, requested: Requested, app: str | None) -> None:
        """A snapshot was asked for."""
        with self._lock:
            self._state.begun[requested.job.name] = _Begun(requested.job.name, app, self._now())
            self._state.read_at = float("-inf")

    def deletes(self, requested: Requested) -> None:
        """The deletion of a snapshot was asked for."""
        self._deletions.asked(requested)
        self.changed()

    def changed(self) -> None:
        """What was read is not good enough any more."""
        with self._lock:
            self._state.read_at = float("-inf")

    def apps_changed(self) -> None:
        """An application was registered, changed or removed here."""
        with self._lock:
            self._state.apps_read_at = float("-inf")

    def failures(self) -> dict[str, Message]:
        """Why snapshots could not be deleted, by name."""
        return self._deletions.failures()

    def _read(self, before: Listed) -> Listed:
        try:
            views = open_catalog(self._session, self._destination).backups()
            return Listed(views, self._now(), restores=restores_underway(self._session.store(self._destination)))
        except SnaplineError as problem:
            return Listed(before.views, before.at, problem, before.restores)

    def _settle(self, there: set[str]) -> None:
        """Forgets what has come to be as it was asked for."""
        state = self._state
        if state.listed.problem is not None:
            return
        state.begun = {name: each for name, each in state.begun.items() if name not in there}
        self._deletions.settle(there)


def last_size(views: Sequence[BackupView], app: str | None) -> int | None:
    """The bytes of the newest snapshot of `app` (None: of everything) that is whole; None without one."""
    whole = (each for each in views if each.app == app and each.status == "Completed" and not each.snapshot_of)
    return next((each.size for each in whole), None)


def shelf(needs: Needs) -> Shelf:
    """That of the default destination, for `shared`."""
    made = Shelf(needs.session, needs.now)
    needs.hub.before_telling(made.changed)
    return made
