"""Requests that were refused. What a request was told once it is told again, whatever has changed since: nobody expects
a restore from a request that was refused long ago. Who wants it looked at anew asks with another event id."""

from datetime import timedelta

from schemas import events as e
from schemas import keys
from schemas.job import Job, Kind
from schemas.messages import Message, brief
from schemas.records import BackupRejection, BackupRequest, Rejection, RestoreRejection, RestoreRequest
from workers.jobs import ledger
from workers.ports import ObjectStore

KEPT = timedelta(days=30)
"""How long a refused request is remembered: as long as its events are."""

_MODELS: dict[Kind, type[Rejection]] = {"backup": BackupRejection, "restore": RestoreRejection}


def find(store: ObjectStore, job: Job, request: str) -> Rejection | None:
    """How the request, whose job would have been `job`, was refused; None if it was not."""
    return ledger.find(store, keys.rejection(job, request), _MODELS[job.kind])


def create(store: ObjectStore, job: Job, rejection: Rejection) -> Rejection:
    """Records it if there is no record yet; the one that stands. Forgets those that are older than `KEPT`."""
    key = keys.rejection(job, rejection.request)
    standing = ledger.create(store, key, rejection)
    for found in list(store.list(keys.rejections_of(job.kind))):
        if found.key != key and rejection.rejected_at - found.modified > KEPT:
            store.delete(found.key)
    return standing


def of_job(store: ObjectStore, job: Job) -> Rejection | None:
    """The refused request for a job of that name, if there is one."""
    found = next(store.list(keys.rejections(job)), None)
    return ledger.find(store, found.key, _MODELS[job.kind]) if found else None


def of_unbegun(store: ObjectStore, job: Job) -> Rejection | None:
    """How the request was refused, if it was, of which there is a job as well, with nothing on record but the request.
    The network brought the job late, or of two runs that came to two answers one died before it looked for the other:
    the refusal counts, which was told."""
    if ledger.parts(store, job) != {keys.request(job)}:
        return None
    made = ledger.read(store, keys.request(job), BackupRequest if job.kind == "backup" else RestoreRequest)
    return find(store, job, made.request)


def reason(rejection: Rejection) -> Message:
    """All its reasons in short, as one."""
    return rejection.reasons[0].model_copy(update={"text": brief(rejection.reasons)})


def told(rejection: Rejection) -> e.BackupRejected | e.RestoreRejected:
    """The event of a record."""
    if isinstance(rejection, RestoreRejection):
        return e.RestoreRejected(
            request=rejection.event_id,
            identified=rejection.request,
            backup=rejection.backup,
            reasons=rejection.reasons,
        )
    return e.BackupRejected(
        request=rejection.event_id, identified=rejection.request, app=rejection.app, reasons=rejection.reasons
    )


def withdraw(store: ObjectStore, job: Job, request: str) -> None:
    """Takes the record away: the request has become a job after all."""
    store.delete(keys.rejection(job, request))
