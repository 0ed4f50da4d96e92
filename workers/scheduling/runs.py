"""What becomes of the due times of a schedule: each has one snapshot, or one reason on record why not.

Whoever hears the request for a run first writes its entry, once; whoever hears it later goes by that. An entry also
accounts for the due times before it that nobody has asked for: it says since which one, and why. So there is no gap.
"""

from datetime import UTC, datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import Job, restore
from schemas.messages import Message
from schemas.records import PassedOver, Request, ScheduledRun
from workers.jobs import ledger, rejections, requests
from workers.ports import ObjectStore

LATE = timedelta(minutes=15)
"""A run that nobody has asked for until so long after its beginning was missed."""
KEPT = timedelta(days=90)
"""How long entries are kept, by their due times. The newest stays."""


def enter(
    store: ObjectStore, asked: e.BackupRequested, due: e.Due, request: str, job: Job, now: datetime
) -> ScheduledRun:
    """The entry that stands for the run: the one that is there, or the one that is now written. `request` is the
    identity of the request, whose job is called `job`."""
    schedule = asked.schedule or ""
    key = keys.scheduled_run(schedule, due.at)
    if standing := ledger.find(store, key, ScheduledRun):
        return standing
    times = runs_of(store, schedule)
    overtaken = bool(times) and times[-1] > due.at  # then the later run accounts for all before it
    run = ScheduledRun(
        schedule=schedule,
        at=due.at,
        starts=due.starts,
        asked_at=now,
        request=request,
        job=job.name,
        app=asked.app,
        blackout=due.blackout,
        refused=_refusal(store, schedule, due, times, now),
        passed_over=None if overtaken else _passed_over(schedule, due, times[-1] if times else None),
    )
    standing = ledger.create(store, key, run)
    for at in times:
        if due.at - at > KEPT:
            store.delete(keys.scheduled_run(schedule, at))
    return standing


def note(
    store: ObjectStore,
    asked: e.BackupVerifyRequested | e.BackupTestRestoreRequested,
    request: str,
    name: str,
    now: datetime,
    status: str | None = None,
) -> None:
    """Records that a run has been taken up which asks for no backup, if it is one of a schedule: what came of it is
    found by `name`, or is its `status`."""
    if asked.schedule is None or asked.due is None:
        return
    run = ScheduledRun(
        schedule=asked.schedule,
        at=asked.due.at,
        starts=asked.due.starts,
        asked_at=now,
        request=request,
        job=name,
        app=asked.app,
        does="verify" if isinstance(asked, e.BackupVerifyRequested) else "test-restore",
        status=status,
    )
    ledger.create(store, keys.scheduled_run(asked.schedule, asked.due.at), run)
    for at in runs_of(store, asked.schedule):
        if asked.due.at - at > KEPT:
            store.delete(keys.scheduled_run(asked.schedule, at))


def is_noted(store: ObjectStore, asked: e.BackupVerifyRequested) -> bool:
    """Whether the result of that run is on record."""
    if asked.schedule is None or asked.due is None:
        return False
    return ledger.exists(store, keys.scheduled_run(asked.schedule, asked.due.at))


def runs_of(store: ObjectStore, schedule: str) -> list[datetime]:
    """The due times of the schedule that have an entry, the earliest first."""
    return sorted(map(keys.parse_scheduled_run, store.names(keys.scheduled_runs(schedule))))


def read(store: ObjectStore, schedule: str, at: datetime) -> ScheduledRun:
    """The entry of the run that was due `at`. Raises NotFound, Damaged."""
    return ledger.read(store, keys.scheduled_run(schedule, at), ScheduledRun)


def is_answered(store: ObjectStore, schedule: str, at: datetime) -> bool:
    """Whether it is on record what became of the run: a backup, or a reason."""
    run = ledger.find(store, keys.scheduled_run(schedule, at), ScheduledRun)
    if run is None or run.refused is not None or run.does == "verify":
        return run is not None
    if run.does == "test-restore":
        tried = restore(run.job)
        return ledger.exists(store, keys.request(tried)) or rejections.find(store, tried, run.request) is not None
    job, made = job_of(store, run)
    return made is not None or rejections.find(store, job, run.request) is not None


def job_of(store: ObjectStore, run: ScheduledRun) -> tuple[Job, Request | None]:
    """The backup of a run, and what it was made with, if it was made."""
    return requests.find(store, "backup", requests.of_backup(run.app), run.request)


def taken(run: ScheduledRun) -> Message:
    """What another request is told for a run that was asked for before."""
    text = f"the run of schedule {run.schedule} due {_time(run.at)} was asked for by another request"
    return Message(code=Code.REQUEST_DIFFERS, text=text, subject=run.schedule)


def _refusal(store: ObjectStore, schedule: str, due: e.Due, times: list[datetime], now: datetime) -> Message | None:
    """Why the schedule does not have this run any more, if it does not."""
    if later := [at for at in times if at > due.at]:
        text = f"it was due {_time(due.at)}, and the run due {_time(later[0])} was asked for before it"
        return Message(code=Code.RUN_MISSED, text=text, subject=schedule)
    if due.missed == "skip" and now - due.starts > LATE:
        text = f"it was to begin {_time(due.starts)}, and was asked for {_time(now)}; the schedule skips missed runs"
        return Message(code=Code.RUN_MISSED, text=text, subject=schedule)
    for at in reversed(times):
        run = ledger.find(store, keys.scheduled_run(schedule, at), ScheduledRun)
        if run is not None and run.refused is None:
            job, made = job_of(store, run)
            if made is None or not _waits(store, job):
                break
            text = f"the run before, {job}, which was due {_time(run.at)}, still waits in line"
            return Message(code=Code.RUN_WAITS, text=text, subject=job.name)
    return None


def _waits(store: ObjectStore, job: Job) -> bool:
    """Whether a job was made and has not begun: it waits in line, or for a worker."""
    return ledger.exists(store, keys.running(job)) and not ledger.exists(store, keys.turn(job))


def _passed_over(schedule: str, due: e.Due, earlier: datetime | None) -> PassedOver | None:
    """What was due between the newest run that was asked for and this one."""
    if due.previous is None or (earlier is not None and earlier >= due.previous):
        return None
    since = f"after {_time(earlier)} and until" if earlier else "until"
    text = f"no scheduler asked for what was due {since} {_time(due.previous)}"
    if due.blackout:
        text += f"; of several runs in the blackout {due.blackout}, only the last takes place, after it"
    return PassedOver(
        after=earlier, until=due.previous, reason=Message(code=Code.RUN_MISSED, text=text, subject=schedule)
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
