"""What the records of a job tell in the order of time, when the event log has nothing of it any more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from producers.views import jobs
from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView
from producers.views.volumes import VolumeView
from schemas.job import Job
from schemas.messages import Message
from schemas.records import HookResult
from workers.ports import ObjectStore

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class KeptLine:
    """Something that is known of a job. Records say of few things when they were: `time` (UTC) is that of the request,
    of the end of a hook, or else of the end of the job."""

    time: datetime
    level: Level
    text: str


def kept_log(store: ObjectStore, job: Job) -> list[KeptLine]:
    """All that is kept of a backup or restore, the oldest first. Raises NotFound, Damaged."""
    details = jobs.backup(store, job.name) if job.kind == "backup" else jobs.restore(store, job.name)
    return sorted(_lines(details), key=lambda line: line.time)


def _lines(details: BackupDetails | RestoreDetails) -> Iterator[KeptLine]:
    view = details.view
    at = view.completed_at or view.requested_at
    yield KeptLine(view.requested_at, "info", _asked(view))
    yield from _told(view.requested_at, "warning", view.notes)
    yield from map(_hook, details.hooks)
    if isinstance(details, BackupDetails):
        yield from (KeptLine(at, "info", _copied(volume)) for volume in details.volumes)
    yield from _told(at, "warning", details.warnings)
    yield from _told(at, "error", details.errors)
    yield from _told(at, "error", view.reasons)
    if view.completed_at is not None or view.status == "Rejected":
        yield KeptLine(at, "info" if view.status in ("Completed", "Cancelled") else "error", _ended(view))


def _asked(view: BackupView | RestoreView) -> str:
    what = f"of {view.app}" if view.app else "of all applications and the console"
    if isinstance(view, RestoreView):
        return f"restore {what} requested, from {view.backup} ({view.scope})"
    return f"backup {what} requested" + (f" by schedule {view.schedule}" if view.schedule else "")


def _hook(result: HookResult) -> KeptLine:
    where = f"{result.phase} hook in {result.namespace}/{result.pod}, container {result.container}"
    ended = result.error or f"ended with {result.exit_code} after {result.seconds:.1f} s"
    at = result.started_at + timedelta(seconds=result.seconds)
    return KeptLine(at, "error" if result.error else "info", f"{where}: {ended}")


def _copied(volume: VolumeView) -> str:
    return f"{volume.key} copied: {volume.files} files, {volume.scanned_bytes} bytes, {volume.uploaded_bytes} new"


def _told(at: datetime, level: Level, messages: Iterable[Message]) -> Iterator[KeptLine]:
    return (KeptLine(at, level, f"{message.text} ({message.code})") for message in messages)


def _ended(view: BackupView | RestoreView) -> str:
    return view.status + (f": {view.reason.text}" if view.reason else f", {view.objects} objects")
