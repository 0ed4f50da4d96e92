"""Gets volumes mounted on a node during a restore, and asks that node's worker to fill them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import AlreadyExists, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import CLAIMS, PODS, Object
from schemas.records import Began, VolumeRestore, WriteState
from workers.jobs import ledger
from workers.jobs.results import give_up_volume
from workers.manifests.restore.holding_pods import helper_pod, may_wait, waits_for_files
from workers.ports import Cluster, ObjectStore

PodKey = tuple[str, str]
"""Namespace and name."""

NODES_PATIENCE = timedelta(seconds=10)
"""How long workloads wait for the pods before them to get their nodes."""


@dataclass(frozen=True)
class Mounting:
    """Which restore mounts volumes, and what it needs for it. `patience` is how long a pod may take to start."""

    job: Job
    destination: str
    store: ObjectStore
    cluster: Cluster
    image: str
    patience: timedelta
    now: Callable[[], datetime]


def fill_claims(
    volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], mounting: Mounting
) -> Iterator[e.Event]:
    """A request per claim, once every helper pod runs. Raises NotYet before.

    `templates` are the captured pods: a helper may go where its pod may."""
    pods = {key: _helper(key, volumes, templates, mounting) for key in {_helper_key(v) for v in volumes}}
    late = [volume for volume in volumes if not _running(pods[_helper_key(volume)])]
    yield from _wait("claims-mounted", late, lambda volume: pods[_helper_key(volume)], mounting)
    for volume in volumes:
        if volume not in late:
            claim = mounting.cluster.get(CLAIMS, volume.namespace, volume.claim or "")
            yield _request(volume, pods[_helper_key(volume)], claim["spec"]["volumeName"], mounting)


def await_nodes(keys_of_pods: Iterable[PodKey], mounting: Mounting) -> None:
    """Raises NotYet while one of the pods has no node, for at most NODES_PATIENCE.

    A controller that hears of its ReplicaSet before it hears of these pods makes pods of its own, then deletes those
    that are too many, and of these the ones without a node first."""
    pods = [_find(mounting.cluster, key) for key in sorted(keys_of_pods)]
    if all(pod["spec"].get("nodeName") for pod in pods if pod):
        return
    if _waited("nodes-assigned", mounting) <= NODES_PATIENCE:
        raise NotYet("waiting for the pods that come before their controllers to get their nodes")


def fill_pods(volumes: list[VolumeRestore], mounting: Mounting) -> Iterator[e.Event]:
    """A request per emptyDir, once every pod's init container waits for it. Raises NotYet before.

    A volume whose pod is not there, or is its controller's instead of the restored one, is given up at once."""
    pods = {key: _find(mounting.cluster, key) for key in {_pod_key(v) for v in volumes}}
    lost = [volume for volume in volumes if not may_wait(pods[_pod_key(volume)])]
    for volume in lost:
        reason = f"pod {volume.pod} is gone or was replaced before its data came; the restore's errors may say why"
        yield _give_up(volume, reason, mounting)
    volumes = [volume for volume in volumes if volume not in lost]
    late = [volume for volume in volumes if not waits_for_files(pods[_pod_key(volume)])]
    yield from _wait("pods-waiting", late, lambda volume: pods[_pod_key(volume)], mounting)
    for volume in volumes:
        if volume not in late:
            yield _request(volume, pods[_pod_key(volume)], volume.name, mounting)


def remove_helpers(volumes: list[VolumeRestore], cluster: Cluster) -> None:
    """Deletes the helper pods; their claims stay bound."""
    for namespace, name in {_helper_key(volume) for volume in volumes}:
        cluster.delete(PODS, namespace, name, grace_seconds=0)


def _pod_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.pod


def _helper_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.helper


def _helper(
    key: PodKey, volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], mounting: Mounting
) -> Object:
    """The helper pod called `key`, made if it is not there."""
    if pod := _find(mounting.cluster, key):
        return pod
    namespace, name = key
    mine = [volume for volume in volumes if _helper_key(volume) == key]
    template = templates.get((namespace, mine[0].pod), {})
    claims = [volume.claim or "" for volume in mine]
    wanted = helper_pod(mounting.job.name, namespace, name, claims, template, mounting.image)
    try:
        return mounting.cluster.create(PODS, wanted)
    except AlreadyExists:
        return mounting.cluster.get(PODS, namespace, name)


def _find(cluster: Cluster, key: PodKey) -> Object:
    """The pod, or an empty object if there is none."""
    try:
        return cluster.get(PODS, *key)
    except NotFound:
        return {}


def _running(pod: Object) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Running")


def _waited(stage: keys.Stage, mounting: Mounting) -> timedelta:
    """How long the stage has been waiting; it begins with the first call."""
    key = keys.stage_began(mounting.job, stage)
    return mounting.now() - ledger.create(mounting.store, key, Began(at=mounting.now())).at


def _wait(
    stage: keys.Stage, late: list[VolumeRestore], pod_of: Callable[[VolumeRestore], Object], mounting: Mounting
) -> Iterator[e.Event]:
    """Raises NotYet while there is patience left for `late`; then gives these volumes up."""
    if not late:
        return
    if _waited(stage, mounting) <= mounting.patience:
        ledger.pulse(mounting.store, mounting.job)
        raise NotYet(f"waiting for the pods that mount {', '.join(volume.key for volume in late[:5])}")
    for volume in late:
        reason = f"its pod did not start within {mounting.patience}: {_why(pod_of(volume))}"
        yield _give_up(volume, reason, mounting)


def _give_up(volume: VolumeRestore, reason: str, mounting: Mounting) -> e.Event:
    return give_up_volume(mounting.store, mounting.job, mounting.destination, volume.key, reason, mounting.now())


def _why(pod: Object) -> str:
    """What Kubernetes says of a pod that does not run."""
    if not pod:
        return "there is no such pod"
    status = pod.get("status") or {}
    unmet = [condition for condition in status.get("conditions") or [] if condition["status"] != "True"]
    said = [f"{condition['type']}: {condition.get('message') or condition.get('reason')}" for condition in unmet]
    return "; ".join(said)[:500] or f"phase {status.get('phase')}"


def _request(volume: VolumeRestore, pod: Object, directory: str, mounting: Mounting) -> e.VolumesRestoreRequested:
    """The next slice of a volume."""
    state = ledger.find(mounting.store, keys.slices(mounting.job, volume.key), WriteState)
    return e.VolumesRestoreRequested(
        restore=mounting.job.name,
        destination=mounting.destination,
        node=pod["spec"]["nodeName"],
        volume=volume.key,
        pod_uid=pod["metadata"]["uid"],
        directory=directory,
        slice=state.slice if state else 0,
    )
