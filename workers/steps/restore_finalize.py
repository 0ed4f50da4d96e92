"""restore.finalize: waits for the workloads to be ready, then writes the restore record, last."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message, brief, prefixed
from schemas.records import Applied, OwnerEnded, RestorePlan, RestoreRecord, RestoreRequest, Status, VolumeResult
from workers.jobs import endings, ledger, progress
from workers.manifests.kube.objects import kind_of, title
from workers.manifests.restore.load import load, owner_of
from workers.manifests.restore.readiness import WORKLOADS, why_not_ready
from workers.ports import Cluster, Destinations, ObjectStore


@dataclass(frozen=True)
class FinalizeRestoreNeeds:
    """What finalizing a restore needs. `patience` is how long workloads may take to be ready."""

    destinations: Destinations
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]


def finalize(event: e.CloudEvent[e.RestoreApplied], needs: FinalizeRestoreNeeds) -> Iterator[e.Event]:
    """The final event, when every owner is accounted for. Raises NotYet while workloads are starting that were ready
    when they were backed up; in the end that is a warning."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    plan = ledger.read(store, keys.plan(job), RestorePlan)
    ended = {owner: ledger.find(store, keys.owner_ended(job, owner), OwnerEnded) for owner in plan.owners}
    done = {owner: how for owner, how in ended.items() if how is not None}
    if len(done) == len(ended):
        late = list(_late(event.data, plan, done, store, needs))
        yield endings.finish_restore(store, _record(store, job, plan, done, late, needs.now()))


def _late(
    asked: e.RestoreApplied,
    plan: RestorePlan,
    done: Mapping[str, OwnerEnded],
    store: ObjectStore,
    needs: FinalizeRestoreNeeds,
) -> Iterator[Message]:
    """The workloads that are not ready. Raises NotYet while there is patience left for those that were."""
    request = ledger.read(store, keys.request(asked.job), RestoreRequest)
    held = load(store, needs.destinations.repository(asked.destination), plan.manifest, request)
    restored = {owner for owner, how in done.items() if not how.given_up}
    workloads = [obj for obj in held.objects if kind_of(obj) in WORKLOADS and owner_of(held, obj) in restored]
    unready = list(_unready((obj for obj in workloads if why_not_ready(obj) is None), needs.cluster))
    if unready and needs.now() - max(how.finished_at for how in done.values()) <= needs.patience:
        ledger.pulse(store, asked.job)
        raise NotYet(f"waiting for {brief(unready)}")
    yield from (prefixed(f"not ready after {needs.patience}", one) for one in unready)
    never = _unready((obj for obj in workloads if why_not_ready(obj)), needs.cluster)
    yield from (prefixed("not ready, as it was not when it was backed up", one) for one in never)


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
    late: list[Message],
    now: datetime,
) -> RestoreRecord:
    request = ledger.read(store, keys.request(job), RestoreRequest)
    asked = [keys.wave_applied(job, owner, wave) for owner in plan.owners for wave in get_args(keys.Wave)]
    waves = [applied for key in asked if (applied := ledger.find(store, key, Applied))]
    volumes = [ledger.read(store, found.key, VolumeResult) for found in store.list(keys.volume_results(job))]
    accounts: list[Applied | VolumeResult | OwnerEnded] = [*done.values(), *waves, *volumes]
    errors = [*plan.errors, *(error for account in accounts for error in account.errors)]
    warnings = [warning for account in accounts for warning in account.warnings]
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
        errors=errors,
        warnings=[*request.notes, *plan.warnings, *warnings, *late],
    )


def _status(done: Mapping[str, OwnerEnded], errors: list[Message]) -> Status:
    """Failed, if nobody but the owner of what is shared got anything."""
    if all(how.given_up for owner, how in done.items() if owner != e.SHARED or len(done) == 1):
        return "Failed"
    return "PartiallyFailed" if errors else "Completed"
