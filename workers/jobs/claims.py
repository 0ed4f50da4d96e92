"""Claims: one thing at a time where two would spoil each other.

A backup reads an application and may do so beside other backups; a restore changes it and wants it for itself. Each job
claims what it touches, in the job's store, before it begins:

- a restore appends itself to the resource's list of holders. The newest entry counts, until its job has ended and its
  running marker is gone, since somebody may still be at work for it until then (`at_work`); entries are created once
  under the next number, so one of several wins. Then it waits until the backups there have ended.
- a backup writes its claim where no restore is, then looks again. If a restore has come, it takes its claim back.

Who has to wait gets a place in line, by when it was asked for, and lets those before it go first. That is for order
alone: nothing goes wrong where one slips past.

Claims are kept where the job's records are: jobs of two destinations do not see each other's, so two restores of one
application, from two destinations at once, are kept apart by who asks for them.

Both write before they look, so of two that exclude each other the one that looks last sees the other. All take their
claims in the same order, so nobody waits in a circle. What ended jobs have left behind counts for nothing. Each run of
a backup's step has a claim of its own: one that gives way takes nothing from another run that has just been let in.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from schemas import keys
from schemas.errors import NotFound, NotYet
from schemas.events import Scope
from schemas.job import Job, backup, restore
from schemas.records import HolderRecord, Record, encode
from workers.jobs import ledger
from workers.ports import ObjectStore

DEAD_RUN = timedelta(minutes=5)
"""Age of a claim of an earlier run of a backup that waits: that run was killed, or it would have given way."""


CONSOLE = "console"


def of_backup(app: str | None, slugs: Sequence[str]) -> list[str]:
    """What a backup of `app`, or of the console and all applications `slugs`, claims."""
    return [_application(app)] if app else [CONSOLE, *map(_application, slugs)]


def of_restore(scope: Scope, app: str | None, slugs: Sequence[str]) -> list[str]:
    """What a restore claims, from a backup that holds the applications `slugs`."""
    if scope == "console":
        return [CONSOLE]
    applications = [_application(slug) for slug in ([app] if app else slugs)]
    return [CONSOLE, *applications] if scope == "full" else applications


def _application(slug: str) -> str:
    return f"application/{slug}"


def take(
    store: ObjectStore, job: Job, resources: Sequence[str], asked_at: datetime, run: str, now: datetime
) -> Job | None:
    """None when the job holds all `resources`, and then until it has ended; else the job that it waits for.

    `run` names this call alone. May be called any number of times. Raises NotYet where another call will tell."""
    ahead, in_line = _before(store, job, resources, asked_at)
    ahead = ahead or _claim(store, job, resources, run)
    if ahead is None:
        store.create(keys.turn(job), encode(Record()))  # once: its time says since when
        if in_line:
            _leave_line(store, job, resources)
        return None
    if ledger.exists(store, keys.turn(job)):
        return None  # it has been let in before
    for resource in resources:
        ledger.create(store, keys.in_line(resource, job, asked_at), Record())
    if job.kind == "backup":
        _give_way(store, job, resources, run, now)
    return ahead


def release(store: ObjectStore, job: Job, resources: Sequence[str]) -> None:
    """Takes away a backup's claims, and the place in line; a restore's claims count for nothing once it has ended and
    lost its running marker."""
    for resource in resources if job.kind == "backup" else ():
        for found in list(store.list(keys.sharers(resource, job))):
            store.delete(found.key)
    _leave_line(store, job, resources)


def _claim(store: ObjectStore, job: Job, resources: Sequence[str], run: str) -> Job | None:
    for resource in sorted(resources):
        ahead = _share(store, job, resource, run) if job.kind == "backup" else _hold(store, job, resource)
        if ahead:
            return ahead
    return None


def _before(store: ObjectStore, job: Job, resources: Sequence[str], asked_at: datetime) -> tuple[Job | None, bool]:
    """Somebody who was asked for earlier, and waits in line for one of `resources`; and whether the job itself may have
    a place in line. A job that holds any has been let in: if it waited for one that waits for it, neither would ever
    begin."""
    in_line = False
    for resource in resources:
        own = keys.in_line(resource, job, asked_at)
        for found in sorted(store.list(keys.line(resource)), key=lambda found: found.key):
            if found.key >= own:
                in_line = in_line or found.key == own
                break
            other = keys.parse_in_line(found.key)
            if "restore" not in (job.kind, other.kind) or ledger.cancelled(store, other):
                continue
            if not _ended(store, other):
                return (None if any(_has(store, job, each) for each in resources) else other), True
            store.delete(found.key)
    return None, in_line


def _has(store: ObjectStore, job: Job, resource: str) -> bool:
    """Whether a run of the job has claimed the resource."""
    if job.kind == "backup":
        return any(store.list(keys.sharers(resource, job)))
    return _holder(store, resource)[0] == job


def _leave_line(store: ObjectStore, job: Job, resources: Sequence[str]) -> None:
    for resource in resources:
        for found in list(store.list(keys.line(resource))):
            if keys.parse_in_line(found.key) == job:
                store.delete(found.key)


def _share(store: ObjectStore, job: Job, resource: str, run: str) -> Job | None:
    holder, _ = _holder(store, resource)
    if holder is None:
        ledger.put(store, keys.sharer(resource, job, run), Record())
        holder, _ = _holder(store, resource)
    return holder


def _give_way(store: ObjectStore, job: Job, resources: Sequence[str], run: str, now: datetime) -> None:
    """Takes back all claims of this run, and those of earlier runs that were killed before they could."""
    for resource in resources:
        for found in list(store.list(keys.sharers(resource, job))):
            if found.key == keys.sharer(resource, job, run) or now - found.modified > DEAD_RUN:
                store.delete(found.key)


def _hold(store: ObjectStore, job: Job, resource: str) -> Job | None:
    holder, number = _holder(store, resource)
    if holder is None:
        ledger.create(store, keys.holder(resource, number + 1), HolderRecord(restore=job.name))
        holder, newest = _holder(store, resource)
        _forget_before(store, resource, newest)
    if holder is None:
        raise NotYet(f"{resource} was taken by another job that has ended since")
    return holder if holder != job else next(_sharers(store, resource), None)


def _holder(store: ObjectStore, resource: str) -> tuple[Job | None, int]:
    """The restore that holds the resource, or None for nobody; and the number of the newest entry."""
    newest = max((found.key for found in store.list(keys.holders(resource))), default=None)
    if newest is None:
        return None, 0
    try:
        holder = restore(ledger.read(store, newest, HolderRecord).restore)
    except NotFound:
        raise NotYet(f"another job has just taken {resource}") from None
    return None if _ended(store, holder) else holder, keys.parse_holder(newest)


def _forget_before(store: ObjectStore, resource: str, number: int) -> None:
    """Takes away entries that no longer count. The newest stays, so that no number is ever given twice."""
    for found in list(store.list(keys.holders(resource))):
        if keys.parse_holder(found.key) < number:
            store.delete(found.key)


def _sharers(store: ObjectStore, resource: str) -> Iterator[Job]:
    """The backups that have claims on the resource. Those of ended backups are taken away."""
    for found in list(store.list(keys.sharers(resource))):
        job = backup(keys.parse_sharer(found.key))
        if _ended(store, job):
            store.delete(found.key)
        else:
            yield job


def _ended(store: ObjectStore, job: Job) -> bool:
    if job.kind == "restore":
        return ledger.exists(store, keys.final(job)) and not ledger.exists(store, keys.running(job))
    return ledger.exists(store, keys.final(job)) or ledger.deleted(store, job)
