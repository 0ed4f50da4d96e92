"""Gets volumes mounted on a node during a restore, and asks that node's worker to fill them: one pod at a time, so that
one which does not start holds up nobody else."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from schemas import events as e
from schemas import keys
from schemas.errors import AlreadyExists, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import CLAIMS, PODS, Object
from schemas.records import Began, VolumeRestore, WriteState
from workers.jobs import ledger
from workers.jobs.results import give_up_volume
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import labels_of, name_of
from workers.manifests.restore.holding_pods import helper_pod, may_wait, waits_for_files
from workers.manifests.restore.sanitise import RESTORE_NAME
from workers.manifests.restore.waiting_pods import answers
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


def ask_to_mount(volumes: Iterable[VolumeRestore], mounting: Mounting) -> Iterator[e.Event]:
    """A request for each pod that `volumes`, all of one kind, belong to."""
    for (namespace, pod), mine in groupby(sorted(volumes, key=_pod_key), key=_pod_key):
        kind = next(mine).kind
        yield e.VolumesMountRequested(
            restore=mounting.job.name, destination=mounting.destination, pod=f"{namespace}/{pod}", kind=kind
        )


def make_helpers(volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], mounting: Mounting) -> None:
    """Creates the helper pods of `volumes` that are not there.

    `templates` are the captured pods: a helper may go where its pod may."""
    for key, mine in groupby(sorted(volumes, key=_helper_key), key=_helper_key):
        if not _find(mounting.cluster, key):
            _create_helper(key, list(mine), templates, mounting)


def fill_claims(
    volumes: list[VolumeRestore], templates: Callable[[], Mapping[PodKey, Object]], mounting: Mounting
) -> Iterator[e.Event]:
    """A request for each of the claims of one pod, once their helper runs. Raises NotYet before, and makes the helper
    again if it is gone. A claim that somebody else has made meanwhile keeps what is in it: it is given up."""
    pod = _find(mounting.cluster, _helper_key(volumes[0]))
    if not pod:
        make_helpers(volumes, templates(), mounting)
    if not _running(pod):
        yield from _wait("claims-mounted", volumes, pod, mounting)
        return
    for volume in volumes:
        claim = mounting.cluster.get(CLAIMS, volume.namespace, volume.claim or "")
        if _is_ours(claim, mounting):
            yield _request(volume, pod, claim["spec"]["volumeName"], mounting)
        else:
            yield from _give_up([volume], "its claim was made by somebody else; it was left as it is", mounting)


def fill_pod(volumes: list[VolumeRestore], mounting: Mounting) -> Iterator[e.Event]:
    """A request for each emptyDir of one pod, once its init container waits for it. Raises NotYet before.

    Where the pod is not there, or is its controller's instead of the restored one, they are given up at once."""
    pod = _find(mounting.cluster, _pod_key(volumes[0]))
    if not (may_wait(pod) and _is_ours(pod, mounting)):
        reason = f"pod {volumes[0].pod} is gone or was replaced before its data came; the restore's errors may say why"
        yield from _give_up(volumes, reason, mounting)
    elif waits_for_files(pod) or (_is_late("pods-waiting", volumes, mounting) and answers(mounting.cluster, pod)):
        for volume in volumes:
            yield _request(volume, pod, volume.name, mounting)
    else:
        yield from _wait("pods-waiting", volumes, pod, mounting)


def await_nodes(names: Iterable[PodKey], owner: str, mounting: Mounting) -> None:
    """Raises NotYet while one of the owner's pods called `names` has no node, for at most NODES_PATIENCE.

    A controller that hears of its ReplicaSet before it hears of these pods makes pods of its own, then deletes those
    that are too many, and of these the ones without a node first."""
    pods = [_find(mounting.cluster, key) for key in sorted(names)]
    if all(pod["spec"].get("nodeName") for pod in pods if pod):
        return
    if _waited("nodes-assigned", owner, mounting) <= NODES_PATIENCE:
        raise NotYet("waiting for the pods that come before their controllers to get their nodes")


def hold_claims(claims: Iterable[Object], mounting: Mounting) -> list[Object]:
    """A running helper for each of the live `claims`, made where it is missing; one that has not started in time is
    left out. Raises NotYet before."""
    keys_of = {(ns, keys.helper_pod(mounting.job, f"{ns}/{name}")): name for ns, name in map(name_of, claims)}
    for (namespace, helper), claim in keys_of.items():
        if not _find(mounting.cluster, (namespace, helper)):
            pod = helper_pod(mounting.job.name, namespace, helper, [claim], {}, mounting.image)
            with suppress(AlreadyExists):
                mounting.cluster.create(PODS, pod)
    found = {key: _find(mounting.cluster, key) for key in keys_of}
    starting = [key for key, pod in found.items() if not _running(pod)]
    for namespace, helper in starting:
        claim = f"{namespace}/{keys_of[namespace, helper]}"
        if _waited("claims-mounted", claim, mounting) <= mounting.patience:
            ledger.pulse(mounting.store, mounting.job)
            raise NotYet(f"waiting for the pod that mounts {claim}")
    return [pod for key, pod in found.items() if key not in starting]


def remove_helpers(volumes: list[VolumeRestore], cluster: Cluster) -> None:
    """Deletes the helper pods; their claims stay bound."""
    for namespace, name in {_helper_key(volume) for volume in volumes}:
        cluster.delete(PODS, namespace, name, grace_seconds=0)


def _pod_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.pod


def _helper_key(volume: VolumeRestore) -> PodKey:
    return volume.namespace, volume.helper


def _create_helper(
    key: PodKey, volumes: list[VolumeRestore], templates: Mapping[PodKey, Object], mounting: Mounting
) -> None:
    namespace, name = key
    template = templates.get(_pod_key(volumes[0]), {})
    claims = [volume.claim or "" for volume in volumes]
    try:
        mounting.cluster.create(PODS, helper_pod(mounting.job.name, namespace, name, claims, template, mounting.image))
    except AlreadyExists:
        return


def _find(cluster: Cluster, key: PodKey) -> Object:
    """The pod, or an empty object if there is none."""
    try:
        return cluster.get(PODS, *key)
    except NotFound:
        return {}


def _is_ours(live: Object, mounting: Mounting) -> bool:
    """Whether the restore has created the object."""
    return labels_of(live).get(RESTORE_NAME) == label_value(mounting.job.name)


def _running(pod: Object) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Running")


def _waited(stage: keys.Stage, whose: str, mounting: Mounting) -> timedelta:
    """How long the stage has been waiting for an owner's objects or a pod; it begins with the first call."""
    key = keys.stage_began(mounting.job, stage, whose)
    return mounting.now() - ledger.create(mounting.store, key, Began(at=mounting.now())).at


def _is_late(stage: keys.Stage, volumes: list[VolumeRestore], mounting: Mounting) -> bool:
    return _waited(stage, "/".join(_pod_key(volumes[0])), mounting) > mounting.patience


def _wait(stage: keys.Stage, volumes: list[VolumeRestore], pod: Object, mounting: Mounting) -> Iterator[e.Event]:
    """Raises NotYet while there is patience left for `pod`; then gives its volumes up."""
    if not _is_late(stage, volumes, mounting):
        ledger.pulse(mounting.store, mounting.job)
        raise NotYet(f"waiting for the pod that mounts {', '.join(volume.key for volume in volumes[:5])}")
    reason = f"its pod did not start within {mounting.patience}: {_why(pod)}"
    yield from _give_up(volumes, reason, mounting)


def _give_up(volumes: list[VolumeRestore], reason: str, mounting: Mounting) -> Iterator[e.Event]:
    for volume in volumes:
        yield give_up_volume(mounting.store, mounting.job, mounting.destination, volume.key, reason, mounting.now())


def _why(pod: Object) -> str:
    """What Kubernetes says of a pod that does not run."""
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
