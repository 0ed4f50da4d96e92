"""Seen and done from here, with broker, store and cluster."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from producers.actions import follow, jobs
from producers.actions.answers import believed
from producers.actions.foresight import Foreseen
from producers.actions.jobs import Requested
from producers.session import Session
from producers.views import catalog
from producers.views import jobs as views
from producers.views.contents import ContentView
from producers.views.hooks import HookView, hooks
from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView
from producers.views.kept_log import KeptLine
from producers.views.progress import JobProgress, concerns
from producers.views.restore_plan.asked import Asked
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.records import HookResult
from workers.ports import Say

if TYPE_CHECKING:
    from producers.views.applications import ApplicationView
    from producers.views.schedules import ScheduleView
    from workers.adapters.broker import Logged

IDLE = timedelta(seconds=2)
"""How long the event log is waited for where nothing is to come."""
BEFORE = timedelta(seconds=2)
"""Clocks differ."""

# What few commands need is imported by them: licenses and clocks take some hundredths of a second each.


class Here:
    """The protocol `Reach`, over a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(
        self, app: str | None, *, ttl: str | None, copy_to: Sequence[str], destination: str, id: str | None
    ) -> Requested:
        """See `Reach`."""
        return jobs.take(self._session, app, ttl=ttl, copy_to=copy_to, destination=destination, id=id)

    def run_schedule(self, name: str, id: str | None) -> Requested:
        """See `Reach`."""
        from producers.actions import schedules

        return schedules.run_now(self._session, name, id=id)

    def restore(
        self,
        backup: str,
        scope: e.Scope,
        app: str | None,
        *,
        keep_newer: bool,
        safety_snapshot: bool,
        namespace_mapping: Mapping[str, str],
        destination: str,
        id: str | None,
    ) -> Requested:
        """See `Reach`."""
        return jobs.restore(
            self._session,
            backup,
            scope,
            app,
            keep_newer=keep_newer,
            safety_snapshot=safety_snapshot,
            namespace_mapping=namespace_mapping,
            destination=destination,
            id=id,
        )

    def rollback(
        self, name: str, *, keep_newer: bool, safety_snapshot: bool, destination: str, id: str | None
    ) -> Requested:
        """See `Reach`."""
        return jobs.rollback(
            self._session,
            name,
            keep_newer=keep_newer,
            safety_snapshot=safety_snapshot,
            destination=destination,
            id=id,
        )

    def snapshot_of(self, name: str, destination: str) -> str:
        """See `Reach`."""
        return jobs.snapshot_of(self._session, name, destination=destination)

    def foresee(self, asked: Asked) -> Foreseen:
        """See `Reach`."""
        from producers.actions import foresight

        return foresight.restore(self._session, asked)

    def cancel(self, name: str, destination: str) -> None:
        """See `Reach`."""
        jobs.cancel(self._session, name, destination=destination)

    def may_be_deleted(self, name: str, destination: str) -> None:
        """See `Reach`."""
        jobs.may_be_deleted(self._session, name, destination=destination)

    def delete(self, name: str, destination: str) -> Requested:
        """See `Reach`."""
        return jobs.delete(self._session, name, destination=destination)

    def deletion(
        self, requested: Requested, patience: float | None, progress: Say
    ) -> e.BackupDeleted | e.BackupDeleteFailed | None:
        """See `Reach`."""
        return follow.deletion(self._session, requested, patience=patience, progress=progress)

    def requested_before(self, name: str, destination: str) -> Requested:
        """See `Reach`."""
        return follow.requested_before(self._session, name, destination)

    def has_ended(self, job: Job, destination: str) -> bool:
        """See `Reach`."""
        return views.has_ended(self._session.store(destination), job)

    def follow(self, requested: Requested) -> Iterator[JobProgress]:
        """See `Reach`."""
        return follow.follow(self._session, requested)

    def backups(self, destination: str) -> list[BackupView]:
        """See `Reach`."""
        return catalog.open_catalog(self._session, destination).backups()

    def restores(self, destination: str) -> list[RestoreView]:
        """See `Reach`."""
        return catalog.open_catalog(self._session, destination).restores()

    def backup(self, name: str, destination: str) -> tuple[BackupDetails, tuple[HookView, ...]]:
        """See `Reach`."""
        details = views.backup(self._session.store(destination), name)
        return details, self._hooks(details.hooks, destination)

    def restored(self, name: str, destination: str) -> tuple[RestoreDetails, tuple[HookView, ...]]:
        """See `Reach`."""
        details = views.restore(self._session.store(destination), name)
        return details, self._hooks(details.hooks, destination)

    def contents(self, name: str, destination: str) -> list[ContentView]:
        """See `Reach`."""
        from producers.views.contents import contents

        return contents(self._session.store(destination), name, lambda: self._session.repository(destination))

    def applications(self) -> "list[ApplicationView | Unreadable]":
        """See `Reach`."""
        from producers.views import applications

        return applications.applications(self._session)

    def application(self, slug: str) -> "ApplicationView | Unreadable":
        """See `Reach`."""
        from producers.views import applications

        return applications.application(self._session, slug)

    def schedules(self) -> "list[ScheduleView | Unreadable]":
        """See `Reach`."""
        from producers.views import schedules

        return schedules.schedules(self._session)

    def schedule(self, name: str) -> "ScheduleView":
        """See `Reach`."""
        from producers.views import schedules

        return schedules.schedule(self._session, name)

    def log(self, requested: Requested, *, follow: bool) -> "Iterator[tuple[Logged, bool]]":
        """See `Reach`."""
        job = JobProgress(requested.event.id, name=requested.job.name)
        begun = min(requested.event.time, datetime.now(UTC)) - BEFORE
        for logged in self._session.bus.read_log(begun, idle=None if follow else IDLE):
            if concerns(job, logged.event):
                yield logged, believed(self._session, logged)

    def kept_log(self, job: Job, destination: str) -> list[KeptLine]:
        """See `Reach`."""
        from producers.views.kept_log import kept_log

        return kept_log(self._session.store(destination), job)

    def unserved(self, queue: str) -> bool:
        """See `Reach`."""
        try:
            return self._session.bus.listeners(queue) == 0
        except SnaplineError:
            return False  # a producer may not look at queues

    def _hooks(self, results: Sequence[HookResult], destination: str) -> tuple[HookView, ...]:
        return hooks(self._session.store(destination), results, lambda: self._session.repository(destination))
