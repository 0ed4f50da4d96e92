"""restore.finalize, last of all: when a restore has ended, however that came, what it left in the cluster goes, and
what it had deleted and not created again is put back.

Nobody is at work for it then. The running marker goes after that, so that the watchdog tells the end again until it is
done, and what the restore claims is its own until then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged, NotYet, PermanentError
from schemas.job import Job, safety_snapshot
from schemas.messages import Message, brief, told
from schemas.records import Applied, Began, RestorePlan, RestoreRequest, Undeploy
from workers.jobs import endings, ledger, owners
from workers.jobs.at_work import anybody
from workers.manifests.capture.document import Captured, decode_manifest
from workers.manifests.restore.apply_wave import Outcome
from workers.manifests.restore.mapping import scratch
from workers.manifests.restore.undeploy import put_back
from workers.manifests.restore.waiting_pods import clear_away
from workers.ports import Cluster, Destinations, ObjectStore
from workers.verification.tested import keep
from workers.verification.tested import told as told_of

BUSY = timedelta(minutes=2)
"""How long putting back is tried again."""


@dataclass(frozen=True)
class ClearNeeds:
    """What clearing away needs."""

    destinations: Destinations
    cluster: Cluster
    now: Callable[[], datetime]
    patience: timedelta = timedelta(minutes=10)
    """How long the namespaces of a test restore may take to be gone."""


def clear(event: e.CloudEvent[e.RestoreFinal], needs: ClearNeeds) -> Iterator[e.Event]:
    """Tells how good a backup is by a test restore, else nothing: the end has been told. An end that is only claimed,
    and in no record, changes nothing. Raises NotYet while somebody is still at work for the restore."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if endings.ended(store, job) is not None:
        if anybody(store, job):
            raise NotYet(f"{job} has ended, and somebody is still at work for it")
        _put_all_back(job, event.data.destination, store, needs)
        clear_away(needs.cluster, job.name)
        clear_away(needs.cluster, safety_snapshot(job).name)
        yield from _end_trial(job, store, needs)
        endings.close(store, job)


def _end_trial(job: Job, store: ObjectStore, needs: ClearNeeds) -> Iterator[e.Event]:
    """Removes what a test restore has made, whatever came of it. Raises NotYet until it is gone, or patience is."""
    request = ledger.find(store, keys.request(job), RestoreRequest)
    record = ledger.finished_restore(store, job.name)
    if request is None or request.test is None or record is None or not ledger.exists(store, keys.running(job)):
        return  # without a running marker all was done before
    began = ledger.create(store, keys.stage_began(job, "removed", "test"), Began(at=needs.now()))
    names = scratch.remove(job.name, needs.cluster)
    if names and needs.now() - began.at <= needs.patience:
        ledger.pulse(store, job)
        raise NotYet(f"waiting for {', '.join(names)} to be gone")
    text = f"namespace {', '.join(names)} is still there {needs.patience} after its deletion; look at its finalizers"
    left = Message(code=Code.NOT_REMOVED, text=text, subject=names[0]) if names else None
    if (tested := keep(store, record, left, needs.now())) is not None:
        yield told_of(record, tested)


def _put_all_back(job: Job, destination: str, store: ObjectStore, needs: ClearNeeds) -> None:
    """Puts back what was deleted of owners of which nothing was created again."""
    plan = ledger.find(store, keys.plan(job), RestorePlan)
    lost = owners.to_put_back(store, job, plan) if plan else []
    left = [owner for owner in lost if not _is_done(store, job, owner)]
    if not left:
        return
    try:
        was = _was(job, destination, store, needs)
    except PermanentError as error:
        for owner in left:
            _record(store, job, owner, Outcome(errors=[told(error)]), needs)
        return
    for owner in left:
        _put_back(was, owner, job, store, needs)


def _is_done(store: ObjectStore, job: Job, owner: str) -> bool:
    """Whether there is a record of ours that the owner's objects are put back."""
    try:
        return ledger.exists(store, keys.put_back(job, owner))
    except Damaged:
        return False  # they are put back, and that it cannot be recorded is told


def _was(job: Job, destination: str, store: ObjectStore, needs: ClearNeeds) -> Captured:
    fixed = ledger.read(store, keys.undeploy(job), Undeploy)
    return decode_manifest(needs.destinations.repository(destination).unseal(store.get(fixed.was), fixed.was))


def _put_back(was: Captured, owner: str, job: Job, store: ObjectStore, needs: ClearNeeds) -> None:
    """Records how it went. Raises NotYet for what may work a little later."""
    began = ledger.create(store, keys.stage_began(job, "put-back", owner), Began(at=needs.now()))
    request = ledger.read(store, keys.request(job), RestoreRequest)
    outcome = put_back(was, owner, job.name, request.backup, needs.cluster)
    if outcome.later and needs.now() - began.at <= BUSY:
        ledger.pulse(store, job)
        raise NotYet(f"putting back: {brief(outcome.later)}")
    _record(store, job, owner, outcome, needs)


def _record(store: ObjectStore, job: Job, owner: str, outcome: Outcome, needs: ClearNeeds) -> None:
    errors: list[Message] = [*outcome.errors, *outcome.later]
    applied = Applied(created=outcome.created, existing=outcome.existing, errors=errors, finished_at=needs.now())
    ledger.create(store, keys.put_back(job, owner), applied)
