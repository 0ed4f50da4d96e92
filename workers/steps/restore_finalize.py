"""restore.finalize: waits for the workloads to be ready, then writes the restore record, last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import NotFound, NotYet
from schemas.kubernetes import Object, ResourceType
from schemas.records import Applied, RestorePlan, RestoreRecord, RestoreRequest, RestoreUnitResult
from workers import ledger
from workers.manifests.restore.apply_wave import describe
from workers.manifests.restore.readiness import WORKLOADS, why_not_ready
from workers.ports import Cluster, ObjectStore, Repository
from workers.steps import endings
from workers.steps.restored_objects import load


@dataclass(frozen=True)
class Finalizing:
    """What finalizing needs. `patience` is how long workloads may take to be ready."""

    store: ObjectStore
    repository: Repository
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]


def finalize(event: e.CloudEvent[e.RestoreApplied], world: Finalizing) -> Iterator[e.Event]:
    """The final event. Raises NotYet while workloads are starting; in the end that is a warning."""
    name = event.data.restore
    if record := ledger.finished_restore(world.store, name):
        ledger.end(world.store, "restores", name)
        yield endings.restore_ended(record)
        return
    if ledger.cancelled(world.store, "restores", name):
        yield endings.cancel_restore(world.store, name, world.now())
        return
    request = ledger.read(world.store, keys.request("restores", name), RestoreRequest)
    plan = ledger.read(world.store, keys.plan("restores", name), RestorePlan)
    after = ledger.read(world.store, keys.applied(name, "after"), Applied)
    unready = list(_unready(load(world.store, world.repository, plan.manifest, request), world.cluster))
    if unready and world.now() - after.finished_at <= world.patience:
        ledger.pulse(world.store, "restores", name)
        raise NotYet(f"waiting for {endings.brief(*unready)}")
    yield endings.finish_restore(world.store, _record(request, plan, unready, world))


def _unready(objects: list[Object], cluster: Cluster) -> Iterator[str]:
    types = {(type_.group, type_.kind): type_ for type_ in cluster.resource_types()}
    for obj in objects:
        key = (obj["apiVersion"].rpartition("/")[0], obj["kind"])
        if key in WORKLOADS and key in types and (reason := _why_not(obj, types[key], cluster)):
            yield f"{describe(obj)}: {reason}"


def _why_not(obj: Object, type_: ResourceType, cluster: Cluster) -> str | None:
    try:
        return why_not_ready(cluster.get(type_, obj["metadata"].get("namespace"), obj["metadata"]["name"]))
    except NotFound:
        return None  # not restored; its wave's record says why


def _record(request: RestoreRequest, plan: RestorePlan, unready: list[str], world: Finalizing) -> RestoreRecord:
    name = request.name
    waves = [ledger.read(world.store, keys.applied(name, wave), Applied) for wave in ("before", "pods", "after")]
    found = world.store.list(keys.units("restores", name))
    volumes = [ledger.read(world.store, entry.key, RestoreUnitResult) for entry in found]
    accounts: list[Applied | RestoreUnitResult] = [*waves, *volumes]
    errors = [error for account in accounts for error in account.errors]
    warnings = [*plan.warnings, *(warning for account in accounts for warning in account.warnings)]
    return RestoreRecord(
        name=name,
        request=request.request,
        backup=request.backup,
        scope=request.scope,
        app=request.app,
        status="PartiallyFailed" if errors else "Completed",
        requested_at=request.requested_at,
        completed_at=world.now(),
        objects=sum(wave.created + wave.existing for wave in waves),
        bytes=sum(volume.bytes for volume in volumes),
        files=sum(volume.files for volume in volumes),
        errors=errors,
        warnings=[*request.notes, *warnings, *(f"not ready after {world.patience}: {one}" for one in unready)],
    )
