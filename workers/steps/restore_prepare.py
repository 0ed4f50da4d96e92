"""restore.prepare: deletes what the restore replaces, waits until it is gone, plans the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import NotFound, NotYet
from schemas.kubernetes import Object, ResourceType
from schemas.records import (
    BackupRecord,
    LiveRef,
    RestorePlan,
    RestoreRequest,
    Undeploy,
    VolumeRecord,
    VolumeRestore,
)
from workers import ledger
from workers.manifests.capture.document import CONSOLE
from workers.manifests.restore.undeploy import to_undeploy
from workers.ports import Cluster, ObjectStore, Repository
from workers.steps import endings
from workers.steps.restored_objects import load


@dataclass(frozen=True)
class Preparing:
    """What preparing needs."""

    store: ObjectStore
    repository: Repository
    cluster: Cluster
    console_namespace: str
    patience: timedelta
    now: Callable[[], datetime]


def prepare(event: e.CloudEvent[e.RestoreLicensed], world: Preparing) -> Iterator[e.Event]:
    """The plan, written once, when all that it replaces is gone. Raises NotYet until then."""
    name = event.data.restore
    if record := ledger.finished_restore(world.store, name):
        yield endings.restore_ended(record)
        return
    if ledger.cancelled(world.store, "restores", name):
        yield endings.cancel_restore(world.store, name, world.now())
        return
    plan = ledger.find(world.store, keys.plan("restores", name), RestorePlan)
    if plan is None:
        request = ledger.read(world.store, keys.request("restores", name), RestoreRequest)
        backup = ledger.finished_backup(world.store, request.backup)
        if backup is None or backup.manifest is None:
            yield endings.stop_restore(world.store, name, world.now(), f"backup {request.backup} is gone")
            return
        objects = load(world.store, world.repository, backup.manifest, request)
        if stuck := _undeploy(name, objects, backup, world):
            yield endings.stop_restore(world.store, name, world.now(), stuck)
            return
        plan = ledger.create(world.store, keys.plan("restores", name), _plan(name, backup, objects))
    yield e.RestorePrepared(restore=name, objects=plan.objects, units=len(plan.volumes))


def _undeploy(name: str, objects: list[Object], backup: BackupRecord, world: Preparing) -> str | None:
    """Deletes; raises NotYet while anything is left, and at last says what would not go."""
    key = keys.undeploy(name)
    fixed = ledger.find(world.store, key, Undeploy)
    if fixed is None:
        claims = {(volume.namespace, volume.claim) for volume in backup.volumes if volume.claim}
        owners = _owners(ledger.read(world.store, keys.request("restores", name), RestoreRequest), backup)
        refs = to_undeploy(
            world.cluster, objects, world.console_namespace, claims=claims, owners=owners, selector=backup.selector
        )
        fixed = ledger.create(world.store, key, Undeploy(started_at=world.now(), objects=refs))
    left: list[str] = []
    for phase in sorted({ref.phase for ref in fixed.objects}):
        left = list(_delete([ref for ref in fixed.objects if ref.phase == phase], world.cluster))
        if left:
            break
    if not left:
        return None
    named = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    if world.now() - fixed.started_at > world.patience:
        return f"could not replace {named}: still there {world.patience} after deletion; look at their finalizers"
    ledger.pulse(world.store, "restores", name)
    raise NotYet(f"waiting for {named} to be gone")


def _owners(request: RestoreRequest, backup: BackupRecord) -> set[str]:
    """The console and the applications that the restore concerns."""
    if request.scope == "console":
        return {CONSOLE}
    slugs = {request.app} if request.app else {app.slug for app in backup.apps}
    return slugs | ({CONSOLE} if request.scope == "full" else set())


def _delete(refs: list[LiveRef], cluster: Cluster) -> Iterator[str]:
    """Asks for the deletion of each; yields those that are still there, for people to read."""
    types = {type_.group_resource: type_ for type_ in cluster.resource_types()}
    for ref in refs:
        type_ = types.get(ref.group_resource)
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


def _plan(name: str, backup: BackupRecord, objects: list[Object]) -> RestorePlan:
    held = {(obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects}

    def wanted(volume: VolumeRecord) -> bool:
        kind, object_name = ("PersistentVolumeClaim", volume.claim) if volume.claim else ("Pod", volume.pod)
        return (kind, volume.namespace, object_name) in held

    volumes = [_volume(name, volume) for volume in backup.volumes if wanted(volume)]
    return RestorePlan(
        backup=backup.name,
        manifest=backup.manifest or "",
        objects=len(objects),
        volumes=volumes,
        warnings=[f"the backup lacks something: {error}" for error in backup.errors],
    )


def _volume(restore: str, volume: VolumeRecord) -> VolumeRestore:
    pod = f"{volume.namespace}/{volume.pod}"
    return VolumeRestore(
        unit=f"{volume.namespace}/{volume.claim}" if volume.claim else f"{pod}/{volume.name}",
        kind=volume.kind,
        namespace=volume.namespace,
        pod=volume.pod,
        name=volume.name,
        claim=volume.claim,
        helper=keys.helper_pod(restore, pod),
        volume=volume.volume,
        bytes=volume.scanned_bytes,
    )
