"""restore.finalize: runs the hooks of restored pods, waits for the workloads, then writes the restore record, last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message, brief, prefixed
from schemas.records import Applied, RestorePlan, RestoreRecord, RestoreRequest, VolumeResult
from workers.hooks.restore_run import Outcome, Restored, run_hooks
from workers.hooks.run import failure
from workers.jobs import endings, ledger, progress
from workers.manifests.kube.objects import POD, kind_of, title
from workers.manifests.restore.load import load
from workers.manifests.restore.readiness import WORKLOADS, why_not_ready
from workers.manifests.restore.sanitise import skip_reason
from workers.ports import Cluster, Destinations, ObjectStore


@dataclass(frozen=True)
class FinalizeRestoreNeeds:
    """What finalizing a restore needs. `patience` is how long workloads may take to be ready."""

    destinations: Destinations
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]


def finalize(event: e.CloudEvent[e.RestoreApplied], needs: FinalizeRestoreNeeds) -> Iterator[e.Event]:
    """The final event. Raises NotYet while workloads are starting; in the end that is a warning, and an error of a hook
    that waits for its pod."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    request = ledger.read(store, keys.request(job), RestoreRequest)
    plan = ledger.read(store, keys.plan(job), RestorePlan)
    workloads = ledger.read(store, keys.wave_applied(job, "workloads"), Applied)
    repository = needs.destinations.repository(destination)
    objects = load(store, repository, plan.manifest, request)
    pods = [obj for obj in objects if kind_of(obj) == POD and skip_reason(obj) is None]
    asked_at, created_at = request.requested_at, workloads.finished_at
    restored = Restored(job, store, repository, needs.cluster, asked_at, created_at, needs.patience, needs.now)
    hooks = run_hooks(restored, pods)
    unready = list(_unready(objects, needs.cluster))
    waiting: list[Message | str] = [
        *hooks.waiting,
        *(unready if needs.now() - workloads.finished_at <= needs.patience else []),
    ]
    if waiting:
        ledger.pulse(store, job)
        raise NotYet(f"waiting for {brief(waiting)}")
    late = [prefixed(f"not ready after {needs.patience}", one) for one in unready]
    yield endings.finish_restore(store, _record(store, job, request, plan, hooks, late, needs.now()))


def _unready(objects: list[Object], cluster: Cluster) -> Iterator[Message]:
    types = {(type_.group, type_.kind): type_ for type_ in cluster.resource_types()}
    for obj in objects:
        key = (obj["apiVersion"].rpartition("/")[0], obj["kind"])
        if key in WORKLOADS and key in types and (reason := _why_not(obj, types[key], cluster)):
            yield Message(code=Code.NOT_READY, text=f"{title(obj)}: {reason}", subject=title(obj))


def _why_not(obj: Object, type_: ResourceType, cluster: Cluster) -> str | None:
    try:
        return why_not_ready(cluster.get(type_, obj["metadata"].get("namespace"), obj["metadata"]["name"]))
    except NotFound:
        return None  # not restored; its wave's record says why


def _record(
    store: ObjectStore,
    job: Job,
    request: RestoreRequest,
    plan: RestorePlan,
    hooks: Outcome,
    late: list[Message],
    now: datetime,
) -> RestoreRecord:
    waves = [ledger.read(store, keys.wave_applied(job, wave), Applied) for wave in get_args(keys.Wave)]
    volumes = [ledger.read(store, found.key, VolumeResult) for found in store.list(keys.volume_results(job))]
    accounts: list[Applied | VolumeResult] = [*waves, *volumes]
    results = [state.result for state in hooks.states if state.result]
    hook_errors = [failure(result) for result in results if result.error]
    errors = [*(error for account in accounts for error in account.errors), *hook_errors]
    warnings = [warning for account in (*accounts, *hooks.states) for warning in account.warnings]
    return RestoreRecord(
        name=job.name,
        request=request.request,
        destination=request.destination,
        backup=request.backup,
        scope=request.scope,
        app=request.app,
        status="PartiallyFailed" if errors else "Completed",
        requested_at=request.requested_at,
        completed_at=now,
        objects=sum(wave.created + wave.existing for wave in waves),
        bytes=sum(volume.bytes for volume in volumes),
        files=sum(volume.files for volume in volumes),
        hooks=results,
        errors=errors,
        warnings=[*request.notes, *plan.warnings, *warnings, *late],
    )
