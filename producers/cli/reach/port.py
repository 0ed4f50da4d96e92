"""What commands ask for that work from anywhere. Each method is as the action or the view of its name; see there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from producers.actions.foresight import Foreseen
from producers.actions.jobs import Requested
from producers.views.contents import ContentView
from producers.views.hooks import HookView
from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView
from producers.views.kept_log import KeptLine
from producers.views.progress import JobProgress
from producers.views.restore_plan.asked import Asked
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas.job import Job
from workers.ports import Say

if TYPE_CHECKING:
    from producers.views.applications import ApplicationView
    from producers.views.schedules import ScheduleView
    from workers.adapters.broker import Logged


class Reach(Protocol):
    """A name of a destination that is empty is the default one's."""

    def take(
        self, app: str | None, *, ttl: str | None, copy_to: Sequence[str], destination: str, id: str | None
    ) -> Requested:
        """See `actions.jobs`."""
        ...

    def run_schedule(self, name: str, id: str | None) -> Requested:
        """See `actions.schedules.run_now`."""
        ...

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
        """See `actions.jobs`."""
        ...

    def rollback(
        self, name: str, *, keep_newer: bool, safety_snapshot: bool, destination: str, id: str | None
    ) -> Requested:
        """See `actions.jobs`."""
        ...

    def snapshot_of(self, name: str, destination: str) -> str:
        """See `actions.jobs`."""
        ...

    def foresee(self, asked: Asked) -> Foreseen:
        """See `actions.foresight`."""
        ...

    def cancel(self, name: str, destination: str) -> None:
        """See `actions.jobs`."""
        ...

    def may_be_deleted(self, name: str, destination: str) -> None:
        """See `actions.jobs`."""
        ...

    def delete(self, name: str, destination: str) -> Requested:
        """See `actions.jobs`."""
        ...

    def deletion(
        self, requested: Requested, patience: float | None, progress: Say
    ) -> e.BackupDeleted | e.BackupDeleteFailed | None:
        """See `actions.follow`."""
        ...

    def requested_before(self, name: str, destination: str) -> Requested:
        """See `actions.follow`."""
        ...

    def has_ended(self, job: Job, destination: str) -> bool:
        """See `views.jobs`."""
        ...

    def follow(self, requested: Requested) -> Iterator[JobProgress]:
        """See `actions.follow`."""
        ...

    def backups(self, destination: str) -> list[BackupView]:
        """See `views.catalog`."""
        ...

    def restores(self, destination: str) -> list[RestoreView]:
        """See `views.catalog`."""
        ...

    def backup(self, name: str, destination: str) -> tuple[BackupDetails, tuple[HookView, ...]]:
        """See `views.jobs` and `views.hooks`."""
        ...

    def restored(self, name: str, destination: str) -> tuple[RestoreDetails, tuple[HookView, ...]]:
        """Of a restore; see `views.jobs` and `views.hooks`."""
        ...

    def contents(self, name: str, destination: str) -> list[ContentView]:
        """See `views.contents`."""
        ...

    def applications(self) -> "list[ApplicationView | Unreadable]":
        """See `views.applications`."""
        ...

    def application(self, slug: str) -> "ApplicationView | Unreadable":
        """See `views.applications`."""
        ...

    def schedules(self) -> "list[ScheduleView | Unreadable]":
        """See `views.schedules`."""
        ...

    def schedule(self, name: str) -> "ScheduleView":
        """See `views.schedules`."""
        ...

    def log(self, requested: Requested, *, follow: bool) -> "Iterator[tuple[Logged, bool]]":
        """The events about a job, from its request on, and whether each is believed; with `follow`, to its end."""
        ...

    def kept_log(self, job: Job, destination: str) -> list[KeptLine]:
        """See `views.kept_log`."""
        ...

    def unserved(self, queue: str) -> bool:
        """Whether it is known that nobody listens on a queue."""
        ...
