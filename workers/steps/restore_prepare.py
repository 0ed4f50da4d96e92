"""restore.prepare: decides what a restore deletes, creates and fills, and writes it down before anything is touched.

What it deletes is backed up first: `restore.prepare` makes that backup, the safety snapshot, and goes on when it ends.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.job import Job
from schemas.messages import Message, summary
from schemas.records import RestoreRequest, Undeploy
from workers.jobs import endings, ledger, progress, safety_snapshots
from workers.jobs.queueing import Queueing, await_turn
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.restore.load import in_scope, load_all, mapping, owners_but, without_owners
from workers.manifests.restore.mapping import scratch, volumes_moved
from workers.manifests.restore.undeploy import Chosen
from workers.planning.decide import choose, nothing_held, plan_of, registered_otherwise, undeploy_of
from workers.ports import Cluster, Destinations, ObjectStore, Repository


@dataclass(frozen=True)
class PrepareNeeds:
    """What preparing needs."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    queueing: Queueing
    now: Callable[[], datetime]


def prepare(event: e.CloudEvent[e.RestoreLicensed], needs: PrepareNeeds) -> Iterator[e.Event]:
    """The plan, written once, before anything is deleted. Raises NotYet until it is the restore's turn."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.plan(job)):
        request = ledger.read(store, keys.request(job), RestoreRequest)
        problem = (yield from await_turn(store, job, request, needs.queueing, needs.now())) or _prepare(
            job, request, store, needs
        )
        if problem:
            yield endings.fail(store, job, needs.now(), problem)
            return
    yield from progress.missing(store, job)


def _prepare(job: Job, request: RestoreRequest, store: ObjectStore, needs: PrepareNeeds) -> Message | None:
    """Writes the list of what goes, then the plan. Returns why it cannot be done, if it cannot."""
    backup = ledger.finished_backup(store, request.backup)
    if backup is None or backup.manifest is None:
        return Message(code=Code.BACKUP_UNUSABLE, text=f"backup {request.backup} is gone", subject=request.backup)
    if ledger.deleted(store, jobs.backup(request.backup)):
        # Its deletion has begun. Whether it goes on is decided when it looks for restores that need it.
        raise NotYet(f"backup {request.backup} is being deleted")
    repository = needs.destinations.repository(request.destination)
    held = load_all(store, repository, backup.manifest)
    captured, moved = in_scope(held, request), mapping(held, request)
    backup = backup.model_copy(update={"volumes": volumes_moved(backup.volumes, moved)})
    if request.test and (problem := scratch.taken(captured.objects, job.name, needs.cluster)):
        return problem
    fixed = ledger.find(store, keys.undeploy(job), Undeploy)
    if fixed is None:
        choice = choose(captured, request, backup, needs.cluster)
        if (refused := choice.refused) and not owners_but(captured, refused) - {e.SHARED}:
            return summary([message for messages in refused.values() for message in messages])
        was = _keep(choice.chosen, job, store, repository)
        fixed = ledger.create(store, keys.undeploy(job), undeploy_of(choice, was))
    missing = list(nothing_held(captured, request, backup))
    captured = without_owners(captured, fixed.refused)
    notes = registered_otherwise(request, backup, held.objects, needs.cluster, needs.console_namespace)
    plan = plan_of(job, backup, captured, fixed, missing, notes)
    if request.safety_snapshot and fixed.objects:
        snapshot = safety_snapshots.begin(store, job, request, backup, plan.owners, needs.now())
        plan = plan.model_copy(update={"snapshot": snapshot.name})
    ledger.create(store, keys.plan(job), plan)
    return None


def go_on(event: e.CloudEvent[e.BackupFinal], needs: PrepareNeeds) -> Iterator[e.Event]:
    """When a backup has ended that was a restore's safety snapshot: the restore's next steps."""
    restore = jobs.snapshot_of(event.data.job)
    store = needs.destinations.store(event.data.destination)
    if restore is None or not ledger.exists(store, keys.request(restore)):
        return
    said = progress.settled(store, restore, needs.now())
    yield from progress.missing(store, restore) if said is None else said


def _keep(chosen: Chosen, job: Job, store: ObjectStore, repository: Repository) -> str:
    """Keeps what will be deleted, as it is: sealed, since there are Secrets among it. Returns the key."""
    was = Captured(list(chosen.objects.values()), {ref.uid: [ref.owner] for ref in chosen.deleted})
    plain = encode_manifest(was)
    key = keys.replaced(job, hashlib.sha256(plain).hexdigest())
    store.create(key, repository.seal(plain, key))
    return key
