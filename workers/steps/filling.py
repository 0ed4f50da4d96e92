"""Gets volumes mounted on a node during a restore, and asks that node's worker to fill them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import AlreadyExists, NotFound, NotYet
from schemas.kubernetes import CLAIMS, PODS, Object
from schemas.records import Began, RestoreSliceState, VolumeRestore
from workers import ledger
from workers.manifests.restore.holding_pods import helper_pod, may_wait, waits_for_files
from workers.ports import Cluster, ObjectStore
from workers.steps import volumes_restore

PodKey = tuple[str, str]
"""Namespace and name."""

PLACING = timedelta(seconds=10)
"""How long workloads wait for the pods before them to get their nodes."""


@dataclass(frozen=True)
class Filling:
    """What filling needs. `patience` is how long a pod may take to start."""

    store: ObjectStore
    cluster: Cluster
    image: str
    patience: timedelta
    now: Callable[[], datetime]


def fill_claims(
    restore: str, volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], world: Filling
) -> Iterator[e.Event]:
    """A request per claim, once every helper pod runs. Raises NotYet before.

    `templates` are the captured pods: a helper may go where its pod may."""
    pods = {key: _helper(restore, key, volumes, templates, world) for key in {_helper_key(v) for v in volumes}}
    late = [volume for volume in volumes if not _running(pods[_helper_key(volume)])]
    yield from _wait(restore, "claims", late, lambda volume: pods[_helper_key(volume)], world)
    for volume in volumes:
        if volume not in late:
            claim = world.cluster.get(CLAIMS, volume.namespace, volume.claim or "")
            yield _request(restore, volume, pods[_helper_key(volume)], claim["spec"]["volumeName"], world.store)


def await_nodes(restore: str, volumes: list[VolumeRestore], world: Filling) -> None:
    """Raises NotYet while a pod with emptyDir data has no node, for at most PLACING.

    A controller that hears of its ReplicaSet before it hears of these pods makes pods of its own, then deletes those
    that are too many, and of these the ones without a node first."""
    pods = [_find(world.cluster, key) for key in sorted({_pod_key(volume) for volume in volumes})]
    if all(pod["spec"].get("nodeName") for pod in pods if pod):
        return
    began = ledger.create(world.store, keys.began(restore, "nodes"), Began(at=world.now()))
    if world.now() - began.at <= PLACING:
        raise NotYet("waiting for the pods with emptyDir data to get their nodes")


def fill_pods(restore: str, volumes: list[VolumeRestore], world: Filling) -> Iterator[e.Event]:
    """A request per emptyDir, once every pod's init container waits for it. Raises NotYet before.

    A volume whose pod is not there, or is its controller's instead of the restored one, is given up at once."""
    pods = {key: _find(world.cluster, key) for key in {_pod_key(v) for v in volumes}}
    lost = [volume for volume in volumes if not may_wait(pods[_pod_key(volume)])]
    for volume in lost:
        reason = f"pod {volume.pod} is gone or was replaced before its data came; the restore's errors may say why"
        yield from volumes_restore.fail(world.store, restore, volume.unit, reason, world.now())
    volumes = [volume for volume in volumes if volume not in lost]
    late = [volume for volume in volumes if not waits_for_files(pods[_pod_key(volume)])]
    yield from _wait(restore, "pods", late, lambda volume: pods[_pod_key(volume)], world)
    for volume in volumes:
        if volume not in late:
            yield _request(restore, volume, pods[_pod_key(volume)], volume.name, world.store)


def remove_helpers(volumes: list[VolumeRestore], cluster: Cluster) -> None:
    """Deletes the helper pods; their claims stay bound."""
    for namespace, name in {_helper_key(volume) for volume in volumes}:
        cluster.delete(PODS, namespace, name, grace_seconds=0)


def _pod_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.pod


def _helper_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.helper


def _helper(
    restore: str, key: PodKey, volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], world: Filling
) -> Object:
    """The helper pod called `key`, made if it is not there."""
    if pod := _find(world.cluster, key):
        return pod
    namespace, name = key
    mine = [volume for volume in volumes if _helper_key(volume) == key]
    template = templates.get((namespace, mine[0].pod), {})
    claims = [volume.claim or "" for volume in mine]
    try:
        return world.cluster.create(PODS, helper_pod(restore, namespace, name, claims, template, world.image))
    except AlreadyExists:
        return world.cluster.get(PODS, namespace, name)


def _find(cluster: Cluster, key: PodKey) -> Object:
    """The pod, or an empty object if there is none."""
    try:
        return cluster.get(PODS, *key)
    except NotFound:
        return {}


def _running(pod: Object) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Running")


def _wait(
    restore: str, stage: str, late: list[VolumeRestore], pod_of: Callable[[VolumeRestore], Object], world: Filling
) -> Iterator[e.Event]:
    """Raises NotYet while there is patience left for `late`; then gives these volumes up."""
    if not late:
        return
    began = ledger.create(world.store, keys.began(restore, stage), Began(at=world.now()))
    if world.now() - began.at <= world.patience:
        ledger.pulse(world.store, "restores", restore)
        raise NotYet(f"waiting for the pods that mount {', '.join(volume.unit for volume in late[:5])}")
    for volume in late:
        reason = f"its pod did not start within {world.patience}: {_why(pod_of(volume))}"
        yield from volumes_restore.fail(world.store, restore, volume.unit, reason, world.now())


def _why(pod: Object) -> str:
    """What Kubernetes says of a pod that does not run."""
    if not pod:
        return "there is no such pod"
    status = pod.get("status") or {}
    unmet = [condition for condition in status.get("conditions") or [] if condition["status"] != "True"]
    said = [f"{condition['type']}: {condition.get('message') or condition.get('reason')}" for condition in unmet]
    return "; ".join(said)[:500] or f"phase {status.get('phase')}"


def _request(
    restore: str, volume: VolumeRestore, pod: Object, directory: str, store: ObjectStore
) -> e.VolumesRestoreRequested:
    """The next slice of a volume."""
    state = ledger.find(store, keys.slices("restores", restore, volume.unit), RestoreSliceState)
    return e.VolumesRestoreRequested(
        restore=restore,
        node=pod["spec"]["nodeName"],
        unit=volume.unit,
        pod_uid=pod["metadata"]["uid"],
        directory=directory,
        slice=state.slice if state else 0,
    )
