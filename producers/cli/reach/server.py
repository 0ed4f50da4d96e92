"""Seen and done by a server's HTTP API, where neither broker nor store nor cluster is reached."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from producers.actions.follow import stand_in
from producers.actions.foresight import Foreseen
from producers.actions.jobs import Requested
from producers.cli.reach.asking import Asking
from producers.cli.reach.hearing import MISSED, Hearing, read
from producers.views.contents import ContentView
from producers.views.hooks import HookView
from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView
from producers.views.kept_log import KeptLine
from producers.views.progress import JobProgress, concerns, fold
from producers.views.restore_plan.asked import Asked
from producers.views.unreadable import Unreadable
from schemas import events as e
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.job import Job
from workers.ports import Say

if TYPE_CHECKING:
    from producers.views.applications import ApplicationView
    from producers.views.schedules import ScheduleView
    from workers.adapters.broker import Logged

T = TypeVar("T")
BEAT = 0.25
"""Seconds after which the progress is told again, changed or not."""
SILENCE = 3.0
"""Seconds without news after which the server is asked whether it has ended."""
BEFORE = timedelta(seconds=2)
"""Clocks differ."""


class Server:
    """The protocol `Reach`, over HTTP. Close it to let go of the server."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def close(self) -> None:
        """Lets go of the server."""
        self._asking.close()

    def take(
        self, app: str | None, *, ttl: str | None, copy_to: Sequence[str], destination: str, id: str | None
    ) -> Requested:
        """See `Reach`."""
        body = {"app": app, "ttl": ttl, "copy_to": list(copy_to), "destination": destination, "id": id}
        return self._asked("backups", body=body)

    def run_schedule(self, name: str, id: str | None) -> Requested:
        """See `Reach`."""
        return self._asked("schedules", name, "run", body={"id": id})

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
        body = {
            "backup": backup,
            "scope": scope,
            "app": app,
            "keep_newer": keep_newer,
            "safety_snapshot": safety_snapshot,
            "namespace_mapping": dict(namespace_mapping),
            "destination": destination,
            "id": id,
        }
        return self._asked("restores", body=body)

    def rollback(
        self, name: str, *, keep_newer: bool, safety_snapshot: bool, destination: str, id: str | None
    ) -> Requested:
        """See `Reach`."""
        body = {"keep_newer": keep_newer, "safety_snapshot": safety_snapshot, "destination": destination, "id": id}
        return self._asked("restores", name, "rollback", body=body)

    def snapshot_of(self, name: str, destination: str) -> str:
        """See `Reach`."""
        return str(self._get("restores", name, "safety-snapshot", destination=destination)["backup"])

    def foresee(self, asked: Asked) -> Foreseen:
        """See `Reach`."""
        return _as(Foreseen, self._asking.ask("POST", "restore-plan", body=asdict(asked)))

    def cancel(self, name: str, destination: str) -> None:
        """See `Reach`."""
        self._asking.ask("POST", "jobs", name, "cancel", query={"destination": destination})

    def may_be_deleted(self, name: str, destination: str) -> None:
        """See `Reach`."""
        details, _ = self.backup(name, destination)
        if details.view.status == "Rejected":
            raise NotFound(f"there is no backup {name}: the request for it was rejected", code=Code.NO_SUCH_BACKUP)
        if details.hold:
            raise Invalid(f"backup {name} is held", code=Code.BACKUP_HELD, subject=name)

    def delete(self, name: str, destination: str) -> Requested:
        """See `Reach`."""
        return _requested(self._asking.ask("DELETE", "backups", name, query={"destination": destination}))

    def deletion(
        self, requested: Requested, patience: float | None, progress: Say
    ) -> e.BackupDeleted | e.BackupDeleteFailed | None:
        """See `Reach`."""
        began = asked_at = time.monotonic()
        with Hearing(self._asking, _since(requested, request=requested.event.id)) as hearing:
            while patience is None or time.monotonic() - began < patience:
                _, heard = hearing.get(BEAT)
                if heard is not MISSED and heard[1] and heard[0].event.correlationid == requested.event.id:
                    said = heard[0].event.data
                    if isinstance(said, e.BackupDeleted | e.BackupDeleteFailed):
                        return said
                    if isinstance(said, e.UpkeepProgressed):
                        progress(said.doing, said.done, said.total)
                elif time.monotonic() - asked_at > SILENCE:
                    asked_at = time.monotonic()
                    if self._is_gone(requested) and asked_at - began > 2 * SILENCE:
                        name, where = requested.job.name, requested.destination
                        return e.BackupDeleted(backup=name, destination=where, reclaimed_bytes=0)
        return None

    def requested_before(self, name: str, destination: str) -> Requested:
        """See `Reach`."""
        said = self._get("jobs", name, destination=destination)
        job = _as(Job, said["job"])
        event = stand_in(said["request"], datetime.fromisoformat(said["requested_at"]), name)
        return Requested(event, job, said["destination"], begun=True)

    def has_ended(self, job: Job, destination: str) -> bool:
        """See `Reach`."""
        return bool(self._get("jobs", job.name, destination=destination)["ended"])

    def follow(self, requested: Requested) -> Iterator[JobProgress]:
        """See `Reach`."""
        progress = JobProgress(requested.event.id, name=requested.job.name if requested.begun else None)
        heard_at = asked_at = time.monotonic()
        query = {"job": requested.job.name} if requested.begun else {"request": requested.event.id}
        with Hearing(self._asking, _since(requested, destination=requested.destination, **query)) as hearing:
            while progress.final is None:
                came, heard = hearing.get(BEAT)
                now = time.monotonic()
                if heard is not MISSED and concerns(progress, heard[0].event):
                    progress, heard_at = _grown(progress, *heard), now
                yield progress
                if (came and heard is MISSED) or (now - heard_at > SILENCE and now - asked_at > SILENCE):
                    asked_at = now
                    if self._seems_ended(requested, progress):
                        return

    def backups(self, destination: str) -> list[BackupView]:
        """See `Reach`."""
        return _as(list[BackupView], self._asking.pages("backups", query={"destination": destination}))

    def restores(self, destination: str) -> list[RestoreView]:
        """See `Reach`."""
        return _as(list[RestoreView], self._asking.pages("restores", query={"destination": destination}))

    def backup(self, name: str, destination: str) -> tuple[BackupDetails, tuple[HookView, ...]]:
        """See `Reach`."""
        said = self._get("backups", name, destination=destination)
        return _as(BackupDetails, said["details"]), _as(tuple[HookView, ...], said["hooks"])

    def restored(self, name: str, destination: str) -> tuple[RestoreDetails, tuple[HookView, ...]]:
        """See `Reach`."""
        said = self._get("restores", name, destination=destination)
        return _as(RestoreDetails, said["details"]), _as(tuple[HookView, ...], said["hooks"])

    def contents(self, name: str, destination: str) -> list[ContentView]:
        """See `Reach`."""
        return _as(list[ContentView], self._get("backups", name, "objects", destination=destination))

    def applications(self) -> "list[ApplicationView | Unreadable]":
        """See `Reach`."""
        return [_application(each) for each in self._get("applications")]

    def application(self, slug: str) -> "ApplicationView | Unreadable":
        """See `Reach`."""
        return _application(self._get("applications", slug))

    def schedules(self) -> "list[ScheduleView | Unreadable]":
        """See `Reach`."""
        return [_schedule(each) for each in self._get("schedules")]

    def schedule(self, name: str) -> "ScheduleView":
        """See `Reach`."""
        from producers.views.schedules import ScheduleView

        return _as(ScheduleView, self._get("schedules", name))

    def log(self, requested: Requested, *, follow: bool) -> "Iterator[tuple[Logged, bool]]":
        """See `Reach`."""
        told = self._get("jobs", requested.job.name, "events", destination=requested.destination)
        found = [heard for each in told if (heard := read(each)) is not MISSED]
        yield from found
        if not follow or any(isinstance(logged.event.data, e.FINAL) and believed for logged, believed in found):
            return
        known = {logged.event.id for logged, _ in found}
        query = _since(requested, destination=requested.destination, job=requested.job.name)
        with Hearing(self._asking, query) as hearing:
            while True:
                _, heard = hearing.get(BEAT)
                if heard is not MISSED and heard[0].event.id not in known:
                    known.add(heard[0].event.id)
                    yield heard

    def kept_log(self, job: Job, destination: str) -> list[KeptLine]:
        """See `Reach`."""
        return _as(list[KeptLine], self._get("jobs", job.name, "log", destination=destination))

    def unserved(self, queue: str) -> bool:  # noqa: ARG002  # as `Reach` has it
        """See `Reach`. It is told later, of a job that stands still for it."""
        return False

    def _get(self, *path: str, **query: Any) -> Any:
        return self._asking.ask("GET", *path, query=query)

    def _asked(self, *path: str, body: Mapping[str, Any]) -> Requested:
        given = {name: value for name, value in body.items() if value is not None}
        return _requested(self._asking.ask("POST", *path, body=given))

    def _seems_ended(self, requested: Requested, progress: JobProgress) -> bool:
        """Whether the server says so; a job that it does not know has not begun."""
        try:
            return self.has_ended(Job(requested.job.kind, progress.name or requested.job.name), requested.destination)
        except SnaplineError:
            return False

    def _is_gone(self, requested: Requested) -> bool:
        try:
            self.backup(requested.job.name, requested.destination)
        except NotFound:
            return True
        except SnaplineError:
            return False
        return False


def _grown(progress: JobProgress, heard: "Logged", believed: bool) -> JobProgress:
    """The progress after one more event, as far as it is believed."""
    if believed:
        return fold(progress, heard.event.data)
    if isinstance(heard.event.data, e.FINAL):
        return replace(progress, doubted=progress.doubted | {heard.sender})
    return progress


def _requested(said: Mapping[str, Any]) -> Requested:
    job = Job(said["kind"], said["name"])
    event = stand_in(said["request"], datetime.fromisoformat(said["asked_at"]), job.name)
    return Requested(event, job, said["destination"])


def _since(requested: Requested, **query: str) -> dict[str, Any]:
    return {"since": (requested.event.time - BEFORE).isoformat(), **query}


def _application(said: Any) -> "ApplicationView | Unreadable":
    from producers.views.applications import ApplicationView

    return _as(Unreadable, said) if "problem" in said else _as(ApplicationView, said)


def _schedule(said: Any) -> "ScheduleView | Unreadable":
    from producers.views.schedules import ScheduleView

    return _as(ScheduleView, said) if "set" in said else _as(Unreadable, said)


def _as(shape: type[T], said: Any) -> T:
    """Raises Invalid for what another version has answered."""
    try:
        return TypeAdapter(shape).validate_python(said)
    except ValueError as error:
        raise Invalid("what the server has answered is another version's; use its own snapline") from error
