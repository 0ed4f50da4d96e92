"""restore.finalize: runs the hooks of restored pods, waits for the workloads, then writes the restore record, last."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotFound, NotYet
from schemas.job import Job, restore
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message, brief, prefixed
from schemas.records import (
    Applied,
    OwnerEnded,
    RestorePlan,
    RestoreRecord,
    RestoreRequest,
    RestoreTest,
    Status,
    VolumeResult,
)
from workers.hooks.restore_run import Outcome, Restored, run_hooks
from workers.hooks.run import failure
from workers.jobs import endings, ledger, progress
from workers.manifests.kube.objects import POD, kind_of, title
from workers.manifests.restore.load import load, load_all, mapping, owner_of
from workers.manifests.restore.readiness import WORKLOADS, why_not_ready
from workers.manifests.restore.sanitise import skip_reason
from workers.ports import Cluster, Destinations, ObjectStore
from workers.verification.trial import Trial, check


@dataclass(frozen=True)
class FinalizeRestoreNeeds:
    """What finalizing a restore needs. `patience` is how long workloads may take to be ready."""

    destinations: Destinations
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]
    image: str = ""
    """Of the pod that asks what a test restore has brought back."""


def finalize(event: e.CloudEvent[e.RestoreApplied], needs: FinalizeRestoreNeeds) -> Iterator[e.Event]:
    """The final event, when every owner is accounted for. Raises NotYet while workloads are starting that were ready
    when they were backed up, in the end a warning, and while a hook waits for its pod, in the end an error."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    plan = ledger.read(store, keys.plan(job), RestorePlan)
    ended = {owner: ledger.find(store, keys.owner_ended(job, owner), OwnerEnded) for owner in plan.owners}
    done = {owner: how for owner, how in ended.items() if how is not None}
    if len(done) == len(ended):
        request = ledger.read(store, keys.request(job), RestoreRequest)
        if request.test and request.test.timeout_seconds:
            needs = replace(needs, patience=timedelta(seconds=request.test.timeout_seconds))
        hooks, late, never = _started(event.data, plan, done, store, needs)
        record = _record(store, job, plan, done, hooks, [*late, *never], needs.now())
        if request.test:
            record = _tried(record, late, request, plan, store, needs)
        yield endings.finish_restore(store, record)


def _tried(
    record: RestoreRecord,
    late: list[Message],
    request: RestoreRequest,
    plan: RestorePlan,
    store: ObjectStore,
    needs: FinalizeRestoreNeeds,
) -> RestoreRecord:
    """As it ends on trial: what is not ready is an error, and what came back is checked if all did. Raises NotYet."""
    errors = [*record.errors, *late]
    record = record.model_copy(update={"test": request.test, "warnings": [w for w in record.warnings if w not in late]})
    if errors:
        status = "PartiallyFailed" if record.status == "Completed" else record.status
        return record.model_copy(update={"errors": errors, "status": status})
    repository, job = needs.destinations.repository(request.destination), restore(request.name)
    namespaces = mapping(load_all(store, repository, plan.manifest), request)
    trial = Trial(
        job,
        request.test or RestoreTest(namespace=""),
        namespaces,
        store,
        repository,
        needs.cluster,
        needs.image,
        needs.patience,
        needs.now,
    )
    ended = check(trial)
    return record.model_copy(
        update={
            "hooks": [*record.hooks, *ended.hooks],
            "errors": ended.problems,
            "status": "PartiallyFailed" if ended.problems else record.status,
            "ready_at": ended.at,
        }
    )


def _started(
    asked: e.RestoreApplied,
    plan: RestorePlan,
    done: Mapping[str, OwnerEnded],
    store: ObjectStore,
    needs: FinalizeRestoreNeeds,
) -> tuple[Outcome, list[Message], list[Message]]:
    """What came of the hooks, the workloads that are not ready, and those that were not when they were backed up; none
    of owners that were given up. Raises NotYet
    while hooks wait, or there is patience left for workloads that were ready."""
    job, repository = asked.job, needs.destinations.repository(asked.destination)
    request = ledger.read(store, keys.request(job), RestoreRequest)
    held = load(store, repository, plan.manifest, request)
    whole = {owner for owner, how in done.items() if not how.given_up}
    objects = [obj for obj in held.objects if owner_of(held, obj) in whole]
    created_at = max((how.finished_at for how in done.values()), default=needs.now())
    pods = [obj for obj in objects if kind_of(obj) == POD and skip_reason(obj) is None]
    hooks = run_hooks(
        Restored(job, store, repository, needs.cluster, request.requested_at, created_at, needs.patience, needs.now),
        pods,
    )
    workloads = [obj for obj in objects if kind_of(obj) in WORKLOADS]
    unready = list(_unready((obj for obj in workloads if why_not_ready(obj) is None), needs.cluster))
    patient = needs.now() - created_at <= needs.patience
    waiting: list[Message | str] = [*hooks.waiting, *(unready if patient else [])]
    if waiting:
        ledger.pulse(store, job)
        raise NotYet(f"waiting for {brief(waiting)}")
    never = _unready((obj for obj in workloads if why_not_ready(obj)), needs.cluster)
    late = [prefixed(f"not ready after {needs.patience}", one) for one in unready]
    return hooks, late, [prefixed("not ready, as it was not when it was backed up", one) for one in never]


def _unready(workloads: Iterable[Object], cluster: Cluster) -> Iterator[Message]:
    found = cluster.discover()
    types = {(type_.group, type_.kind): type_ for type_ in found.types}
    for obj in workloads:
        group, _ = kind = kind_of(obj)
        if reason := _why_not(obj, types[kind], cluster) if kind in types else found.unreadable.get(group):
            yield Message(code=Code.NOT_READY, text=f"{title(obj)}: {reason}", subject=title(obj))


def _why_not(obj: Object, type_: ResourceType, cluster: Cluster) -> str | None:
    try:
        return why_not_ready(cluster.get(type_, obj["metadata"].get("namespace"), obj["metadata"]["name"]))
    except NotFound:
        return None  # not restored; its wave's record says why


def _record(
    store: ObjectStore,
    job: Job,
    plan: RestorePlan,
    done: Mapping[str, OwnerEnded],
    hooks: Outcome,
    late: list[Message],
    now: datetime,
) -> RestoreRecord:
    request = ledger.read(store, keys.request(job), RestoreRequest)
    asked = [keys.wave_applied(job, owner, wave) for owner in plan.owners for wave in get_args(keys.Wave)]
    waves = [applied for key in asked if (applied := ledger.find(store, key, Applied))]
    volumes = [ledger.read(store, found.key, VolumeResult) for found in store.list(keys.volume_results(job))]
    accounts: list[Applied | VolumeResult | OwnerEnded] = [*done.values(), *waves, *volumes]
    results = [state.result for state in hooks.states if state.result]
    hook_errors = [failure(result) for result in results if result.error]
    errors = [*plan.errors, *(error for account in accounts for error in account.errors), *hook_errors]
    warnings = [warning for account in (*accounts, *hooks.states) for warning in account.warnings]
    return RestoreRecord(
        name=job.name,
        request=request.request,
        destination=request.destination,
        backup=request.backup,
        scope=request.scope,
        app=request.app,
        status=_status(done, errors),
        requested_at=request.requested_at,
        completed_at=now,
        objects=sum(wave.created + wave.existing for wave in waves),
        bytes=sum(volume.bytes for volume in volumes),
        files=sum(volume.files for volume in volumes),
        hooks=results,
        snapshot=plan.snapshot,
        namespace_mapping=request.namespace_mapping,
        errors=errors,
        warnings=[*request.notes, *plan.warnings, *warnings, *late, *_doubts(store, plan)],
    )


def _doubts(store: ObjectStore, plan: RestorePlan) -> Iterator[Message]:
    """What is not as it should be with the safety snapshot."""
    snapshot = ledger.finished_backup(store, plan.snapshot) if plan.snapshot else None
    for error in snapshot.errors if snapshot else ():
        yield prefixed(f"the safety snapshot {plan.snapshot} lacks something", error)


def _status(done: Mapping[str, OwnerEnded], errors: list[Message]) -> Status:
    """Failed, if nobody but the owner of what is shared got anything."""
    if all(how.given_up for owner, how in done.items() if owner != e.SHARED or len(done) == 1):
        return "Failed"
    return "PartiallyFailed" if errors else "Completed"
