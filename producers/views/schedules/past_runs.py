"""What became of a schedule's runs: from what the license gate has put on record, and from their backups."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from producers.views import jobs
from schemas.errors import NotFound
from schemas.messages import Message
from schemas.records import ScheduledRun
from workers.jobs import rejections
from workers.ports import ObjectStore
from workers.scheduling import runs

SHOWN = 10


@dataclass(frozen=True)
class PastRun:
    """The run that was `due`. `status` is that of the backup `name`; or it is `Skipped` if the schedule did not have
    the run, `Missed` for the due times up to `due`, `since` the one before, that nobody has asked for, `Deleted` if
    the backup was, or `Requested` while nothing has come of it yet. `reason` says why it did not go well, or waits."""

    due: datetime
    status: str
    name: str | None = None
    reason: Message | None = None
    since: datetime | None = None


def past_runs(store: ObjectStore, schedule: str, most: int = SHOWN) -> tuple[PastRun, ...]:
    """The newest runs that were asked for, the newest first, and what was missed before each. Raises as the store, and
    Damaged."""
    newest = reversed(runs.runs_of(store, schedule)[-most:])
    return tuple(each for at in newest for each in _told(store, runs.read(store, schedule, at)))


def _told(store: ObjectStore, run: ScheduledRun) -> Iterator[PastRun]:
    yield _run(store, run)
    if over := run.passed_over:
        yield PastRun(over.until, "Missed", reason=over.reason, since=over.after)


def _run(store: ObjectStore, run: ScheduledRun) -> PastRun:
    if run.refused:
        return PastRun(run.at, "Skipped", reason=run.refused)
    if run.does != "backup":
        return _other(store, run)
    job, made = runs.job_of(store, run)
    if made is None and rejections.find(store, job, run.request) is None:
        return PastRun(run.at, "Requested", job.name)
    try:
        details = jobs.backup(store, job.name)
    except NotFound:
        return PastRun(run.at, "Deleted", job.name)
    view = details.view
    waits = view.notes if view.status == "Queued" else ()
    return PastRun(run.at, view.status, job.name, view.reason or next(iter((*view.reasons, *waits)), None))


def _other(store: ObjectStore, run: ScheduledRun) -> PastRun:
    """Of a verification: what came of it; of a test restore, how that is."""
    if run.does == "verify":
        return PastRun(run.at, run.status or "Requested", run.job or None)
    try:
        view = jobs.restore(store, run.job).view
    except NotFound:
        return PastRun(run.at, "Requested", run.job)
    return PastRun(run.at, view.status, run.job, view.reason or next(iter(view.reasons), None))
