"""How far a job is, by its records alone: whether it has settled, and which of its next steps are missing."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import Code, PermanentError
from schemas.job import Job
from schemas.records import (
    BackupPlan,
    BackupRequest,
    CopyState,
    PodPlan,
    Request,
    RestorePlan,
    RestoreRequest,
    Undeploy,
    VolumeKind,
    VolumeRestore,
)
from workers.jobs import endings, ledger, safety_snapshots
from workers.jobs.hooks import owing_pods
from workers.ports import ObjectStore

MOST_NAMES = 50
"""How many objects an event names; the record has them all."""


@dataclass(frozen=True)
class Standing:
    """Where a job stands. `said` is None while there is work to do. Else nothing is left to do, and this is left to
    say: the final event of a job that has ended or was cancelled (which ends it here), and nothing of one that was
    deleted. `there` are the keys directly below its own prefix, if there is work to do."""

    said: Sequence[e.Event] | None
    there: Collection[str] = ()


def standing(store: ObjectStore, job: Job, now: datetime) -> Standing:
    """A cancelled backup has work to do as long as a pod waits for the hooks after its copy. One that has ended gives
    back here what it claims if who ended it has not come to that: the running mark goes last."""
    if event := endings.ended(store, job):
        if job.kind == "backup" and ledger.exists(store, keys.running(job)):
            endings.close(store, job)
        return Standing([event])
    there = ledger.parts(store, job)
    if keys.deleted(job) in there and ledger.deleted(store, job):
        endings.close(store, job)
        return Standing([])
    asked = keys.cancel(job) in there and ledger.exists(store, keys.cancel(job))
    if (asked or ledger.cancelled_with_its_restore(store, job)) and not owing_pods(store, job):
        return Standing([endings.cancel(store, job, now)])
    return Standing(None, there)


def settled(store: ObjectStore, job: Job, now: datetime) -> Sequence[e.Event] | None:
    """What is left to say of a job of which nothing is left to do (see `Standing`); None while there is work to do."""
    return standing(store, job, now).said


def unless_settled(
    store: ObjectStore, job: Job, now: Callable[[], datetime], step: Iterator[e.Event]
) -> Iterator[e.Event]:
    """What `step` tells. If it fails for good and the job has settled meanwhile, as when its message has come twice, it
    has not failed: what it needs may be deleted by then. What is left to say of the job is told in its place."""
    try:
        yield from step
    except PermanentError:
        said = settled(store, job, now())
        if said is None:
            raise
        yield from said


def is_over(store: ObjectStore, job: Job) -> bool:
    """Whether nothing new may be begun: the job has ended, or was cancelled or deleted."""
    return ledger.exists(store, keys.final(job)) or ledger.cancelled(store, job) or ledger.deleted(store, job)


def missing(store: ObjectStore, job: Job, made: Request | None = None) -> Iterator[e.Event]:
    """The events that lead to the next steps of a running job, told for the first time or again. Without its request,
    `made`, this is read. Raises NotFound for a job that has none."""
    request = made or ledger.read(store, keys.request(job), BackupRequest if job.kind == "backup" else RestoreRequest)
    if isinstance(request, RestoreRequest):
        yield from _missing_of_restore(store, job, request)
    elif isinstance(request, BackupRequest):
        yield from _missing_of_backup(store, job, request)


def _missing_of_backup(store: ObjectStore, job: Job, request: BackupRequest) -> Iterator[e.Event]:
    plan = ledger.find(store, keys.plan(job), BackupPlan)
    if plan is None:
        yield e.BackupLicensed(backup=job.name, destination=request.destination, app=request.app)
    else:
        yield from missing_of_plan(store, job, request, plan)


def missing_of_plan(store: ObjectStore, job: Job, request: BackupRequest, plan: BackupPlan) -> Iterator[e.Event]:
    """As `missing`, for a running backup whose plan is written."""
    for pod in pods_to_copy(store, job, plan):
        state = ledger.find(store, keys.slices(job, pod.key), CopyState) or CopyState()
        yield e.VolumesCopyRequested(
            backup=job.name, destination=request.destination, node=pod.node, pod=pod.key, slice=state.slice
        )
    yield e.BackupPlanned(backup=job.name, destination=request.destination, objects=plan.objects, pods=len(plan.pods))


def _missing_of_restore(store: ObjectStore, job: Job, request: RestoreRequest) -> Iterator[e.Event]:
    plan = ledger.find(store, keys.plan(job), RestorePlan)
    if plan is None:
        yield e.RestoreLicensed(
            restore=job.name, destination=request.destination, backup=request.backup, notes=request.notes
        )
        return
    there = {found.key for found in store.list(keys.owners(job))}
    snapshot = safety_snapshots.unfinished(store, plan)
    if snapshot or not (there or plan.snapshot):
        yield _planned(store, job, request.destination, plan)
    if snapshot:
        yield from missing(store, snapshot)
        return
    left = [owner for owner in plan.owners if keys.owner_ended(job, owner) not in there]
    for owner in left or plan.owners[-1:]:
        yield next_of_owner(store, job, request.destination, owner)


def next_of_owner(store: ObjectStore, job: Job, destination: str, owner: str) -> e.OwnerEvent:
    """The event that leads to the next step for an owner's objects and volumes."""
    if ledger.exists(store, keys.owner_ended(job, owner)):
        return e.RestoreApplied(restore=job.name, destination=destination, owner=owner)
    if ledger.exists(store, keys.undeployed(job, owner)):
        return e.RestorePrepared(restore=job.name, destination=destination, owner=owner)
    return e.RestoreUndeployRequested(restore=job.name, destination=destination, owner=owner)


def _planned(store: ObjectStore, job: Job, destination: str, plan: RestorePlan) -> e.RestorePlanned:
    undeploy = ledger.read(store, keys.undeploy(job), Undeploy)
    newer = [ref.title for ref in undeploy.objects if ref.why == "newer"]
    left_alone = [message for message in (*undeploy.errors, *undeploy.warnings) if message.code != Code.NEWER]
    return e.RestorePlanned(
        restore=job.name,
        destination=destination,
        replaced=len(undeploy.objects),
        objects=plan.objects,
        volumes=len(plan.volumes),
        newer=newer[:MOST_NAMES],
        left_alone=left_alone[:MOST_NAMES],
        snapshot=plan.snapshot,
    )


def pods_to_copy(store: ObjectStore, job: Job, plan: BackupPlan) -> list[PodPlan]:
    """The pods of a backup whose volumes have no result yet."""
    if not plan.pods:
        return []
    done = {found.key for found in store.list(keys.pod_results(job))}
    return [pod for pod in plan.pods if keys.pod_result(job, pod.key) not in done]


def volumes_to_write(store: ObjectStore, job: Job, plan: RestorePlan, kind: VolumeKind) -> list[VolumeRestore]:
    """The volumes of a kind of a restore that have no result yet."""
    done = {found.key for found in store.list(keys.volume_results(job))}
    return [
        volume for volume in plan.volumes if volume.kind == kind and keys.volume_result(job, volume.key) not in done
    ]
