"""Waiting in line: a job begins when it holds what it claims, and fails if that takes too long."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.job import Job
from schemas.messages import Message
from schemas.records import Queued, Request
from workers.jobs import claims, ledger
from workers.ports import ObjectStore

LOOK_EVERY = timedelta(seconds=5)
"""How often a job in line looks whether it is its turn."""


@dataclass(frozen=True)
class Queueing:
    """`patience` is how long a job may wait in line; `new_run` names a run of a step, as nothing else is named."""

    patience: timedelta
    new_run: Callable[[], str]


def await_turn(
    store: ObjectStore, job: Job, request: Request, queueing: Queueing, now: datetime, before: Job | None = None
) -> Generator[e.Event, None, Message | None]:
    """Returns None when it is the job's turn, or why it has waited long enough. Before, tells behind whom it waits and
    raises NotYet. Where there is a job `before` it, it claims nothing yet."""
    ahead = before or claims.take(store, job, request.claims, request.requested_at, queueing.new_run(), now)
    if ahead is None:
        return None
    known = ledger.find(store, keys.queued(job), Queued)
    queued = Queued(since=known.since if known else now, behind=str(ahead))
    if now - queued.since > queueing.patience:
        text = f"it has waited {queueing.patience} for {ahead} to end; run it again when that has ended"
        return Message(code=Code.QUEUED_TOO_LONG, text=text, subject=ahead.name)
    if known is None or known.behind != queued.behind:
        ledger.put(store, keys.queued(job), queued)
        yield _told(job, request.destination, queued)
    ledger.pulse(store, job)
    raise NotYet(f"waiting in line behind {ahead}", LOOK_EVERY)


def _told(job: Job, destination: str, queued: Queued) -> e.BackupQueued | e.RestoreQueued:
    if job.kind == "backup":
        return e.BackupQueued(backup=job.name, destination=destination, behind=queued.behind)
    return e.RestoreQueued(restore=job.name, destination=destination, behind=queued.behind)
