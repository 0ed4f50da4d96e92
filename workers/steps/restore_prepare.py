"""restore.prepare: deletes what the restore replaces, waits until it is gone, plans the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message, prefixed
from schemas.records import (
    BackupRecord,
    LiveRef,
    RestorePlan,
    RestoreRequest,
    Undeploy,
    VolumeRecord,
    VolumeRestore,
)
from workers.jobs import endings, ledger, progress
from workers.manifests.capture.document import CONSOLE
from workers.manifests.restore.load import load
from workers.manifests.restore.undeploy import to_undeploy
from workers.ports import Cluster, Destinations, ObjectStore


@dataclass(frozen=True)
class PrepareNeeds:
    """What preparing needs. `patience` is how long replaced objects may take to be gone."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    patience: timedelta
    now: Callable[[], datetime]


def prepare(event: e.CloudEvent[e.RestoreLicensed], needs: PrepareNeeds) -> Iterator[e.Event]:
    """The plan, written once, when all that it replaces is gone. Raises NotYet until then."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.plan(job)) and (problem := _prepare(job, destination, store, needs)):
        yield endings.fail(store, job, needs.now(), problem)
        return
    yield from progress.missing(store, job)


def _prepare(job: Job, destination: str, store: ObjectStore, needs: PrepareNeeds) -> Message | None:
    """Deletes, then plans. Returns why it cannot be done, if it cannot."""
    request = ledger.read(store, keys.request(job), RestoreRequest)
    backup = ledger.finished_backup(store, request.backup)
    if backup is None or backup.manifest is None:
        return Message(code=Code.BACKUP_UNUSABLE, text=f"backup {request.backup} is gone", subject=request.backup)
    objects = load(store, needs.destinations.repository(destination), backup.manifest, request)
    fixed = ledger.find(store, keys.undeploy(job), Undeploy)
    if fixed is None:
        fixed = ledger.create(store, keys.undeploy(job), _to_undeploy(objects, request, backup, needs))
    if stuck := _undeploy(job, store, fixed, needs):
        return stuck
    ledger.create(store, keys.plan(job), _plan(job, backup, objects))
    return None


def _to_undeploy(objects: list[Object], request: RestoreRequest, backup: BackupRecord, needs: PrepareNeeds) -> Undeploy:
    """What is to be deleted, as it is now."""
    refs = to_undeploy(
        needs.cluster,
        objects,
        needs.console_namespace,
        claims={(volume.namespace, volume.claim) for volume in backup.volumes if volume.claim},
        owners=_owners(request, backup),
        selector=backup.selector,
    )
    return Undeploy(started_at=needs.now(), objects=refs)


def _undeploy(job: Job, store: ObjectStore, fixed: Undeploy, needs: PrepareNeeds) -> Message | None:
    """Deletes; raises NotYet while anything is left, and at last says what would not go."""
    left = _delete_in_phases(fixed, needs.cluster)
    if not left:
        return None
    named = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    if needs.now() - fixed.started_at > needs.patience:
        text = f"could not replace {named}: still there {needs.patience} after deletion; look at their finalizers"
        return Message(code=Code.NOT_DELETED, text=text)
    ledger.pulse(store, job)
    raise NotYet(f"waiting for {named} to be gone")


def _owners(request: RestoreRequest, backup: BackupRecord) -> set[str]:
    """The console and the applications that the restore concerns."""
    if request.scope == "console":
        return {CONSOLE}
    slugs = {request.app} if request.app else {app.slug for app in backup.apps}
    return slugs | ({CONSOLE} if request.scope == "full" else set())


def _delete_in_phases(fixed: Undeploy, cluster: Cluster) -> list[str]:
    """Asks for deletion, phase by phase. Returns, as text, what is left of the first phase that is not gone."""
    for phase in sorted({ref.phase for ref in fixed.objects}):
        if left := list(_delete([ref for ref in fixed.objects if ref.phase == phase], cluster)):
            return left
    return []


def _delete(refs: list[LiveRef], cluster: Cluster) -> Iterator[str]:
    """Asks for the deletion of each; yields those that are still there."""
    found = cluster.discover()
    types = {type_.group_resource: type_ for type_ in found.types}
    for ref in refs:
        type_ = types.get(ref.group_resource)
        group = ref.group_resource.partition(".")[2]
        if type_ is None and group in found.unreadable:
            yield f"{ref.group_resource} {ref.namespace or ''}/{ref.name} (its API group does not answer)"
        if type_ is None or not (live := _live(cluster, type_, ref)):
            continue
        if "deletionTimestamp" not in live["metadata"]:
            cluster.delete(type_, ref.namespace, ref.name, uid=ref.uid)
            if not _live(cluster, type_, ref):
                continue
        finalizers = ", ".join(live["metadata"].get("finalizers") or [])
        yield f"{ref.group_resource} {ref.namespace or ''}/{ref.name}" + (f" ({finalizers})" if finalizers else "")


def _live(cluster: Cluster, type_: ResourceType, ref: LiveRef) -> Object | None:
    """The live object, if it is still the one that was fixed."""
    try:
        live = cluster.get(type_, ref.namespace, ref.name)
    except NotFound:
        return None
    return live if live["metadata"]["uid"] == ref.uid else None


def _plan(job: Job, backup: BackupRecord, objects: list[Object]) -> RestorePlan:
    held = {(obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects}

    def wanted(volume: VolumeRecord) -> bool:
        kind, object_name = ("PersistentVolumeClaim", volume.claim) if volume.claim else ("Pod", volume.pod)
        return (kind, volume.namespace, object_name) in held

    return RestorePlan(
        backup=backup.name,
        manifest=backup.manifest or "",
        objects=len(objects),
        volumes=[_volume(job, volume) for volume in backup.volumes if wanted(volume)],
        warnings=[prefixed("the backup lacks something", error) for error in backup.errors],
    )


def _volume(job: Job, volume: VolumeRecord) -> VolumeRestore:
    return VolumeRestore(
        kind=volume.kind,
        namespace=volume.namespace,
        pod=volume.pod,
        name=volume.name,
        claim=volume.claim,
        helper=keys.helper_pod(job, f"{volume.namespace}/{volume.pod}"),
        volume_id=volume.volume_id,
        bytes=volume.scanned_bytes,
    )
