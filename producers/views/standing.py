"""How far a job that is under way has come, by what it has left in the object store so far."""

from dataclasses import dataclass

from producers.views.progress import Phase
from schemas import keys
from schemas.job import Job, backup
from schemas.records import BackupPlan, CopyState, PodResult, RestorePlan, VolumeResult
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class StandingView:
    """`volumes_done` of `volumes` are whole, which are `bytes_done` bytes; what is begun of others does not count."""

    phase: Phase
    objects: int = 0
    volumes: int = 0
    volumes_done: int = 0
    bytes_done: int = 0


def standing(store: ObjectStore, job: Job) -> StandingView:
    """Of a job without a final record. Raises Damaged."""
    return _of_backup(store, job) if job.kind == "backup" else _of_restore(store, job)


def _of_backup(store: ObjectStore, job: Job) -> StandingView:
    plan = ledger.find(store, keys.plan(job), BackupPlan)
    if plan is None:
        return StandingView("licensed")
    done, size, pods = 0, 0, 0
    for pod in plan.pods:
        result = ledger.find(store, keys.pod_result(job, pod.key), PodResult)
        state = result or ledger.find(store, keys.slices(job, pod.key), CopyState)
        pods += result is not None
        done += len(state.volumes) if state else 0
        size += sum(volume.scanned_bytes for volume in state.volumes) if state else 0
    phase: Phase = "finishing" if pods == len(plan.pods) else "copying"
    return StandingView(phase, plan.objects, sum(len(pod.volumes) for pod in plan.pods), done, size)


def _of_restore(store: ObjectStore, job: Job) -> StandingView:
    plan = ledger.find(store, keys.plan(job), RestorePlan)
    if plan is None:
        return StandingView("preparing")
    found = store.list(keys.volume_results(job))
    results = [ledger.find(store, each.key, VolumeResult) for each in found]
    done = [result for result in results if result is not None]
    phase = _phase(store, job, plan)
    return StandingView(phase, plan.objects, len(plan.volumes), len(done), sum(result.bytes for result in done))


def _phase(store: ObjectStore, job: Job, plan: RestorePlan) -> Phase:
    if plan.snapshot and not ledger.exists(store, keys.final(backup(plan.snapshot))):
        return "securing"
    if all(ledger.exists(store, keys.owner_ended(job, owner)) for owner in plan.owners):
        return "finishing"
    gone = any(ledger.exists(store, keys.undeployed(job, owner)) for owner in plan.owners)
    return "restoring" if gone else "removing"
