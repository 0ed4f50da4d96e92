"""restore.apply, for one pod: waits until its volumes are mounted on a node, then asks for their content."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import RestorePlan, RestoreRequest, VolumeRestore
from workers.jobs import ledger, progress
from workers.jobs.results import give_up_volume
from workers.manifests.kube.objects import pods_of
from workers.manifests.restore import mount_volumes
from workers.manifests.restore.load import load
from workers.ports import Cluster, Destinations, ObjectStore


@dataclass(frozen=True)
class MountNeeds:
    """What mounting needs. `patience` is how long a pod may take to start."""

    destinations: Destinations
    cluster: Cluster
    image: str
    patience: timedelta
    now: Callable[[], datetime]


def mount(event: e.CloudEvent[e.VolumesMountRequested], needs: MountNeeds) -> Iterator[e.Event]:
    """`volumes.restore.requested` for each volume of the pod that has no result yet. Raises NotYet while the pod that
    mounts them starts; in the end they are given up."""
    asked = event.data
    store = needs.destinations.store(asked.destination)
    if (said := progress.settled(store, asked.job, needs.now())) is not None:
        yield from said
        return
    plan = ledger.read(store, keys.plan(asked.job), RestorePlan)
    if volumes := _missing(asked, plan, store):
        mounting = mount_volumes.Mounting(
            asked.job, asked.destination, store, needs.cluster, needs.image, needs.patience, needs.now
        )
        if asked.kind == "emptyDir":
            yield from mount_volumes.fill_pod(volumes, mounting)
        else:
            yield from mount_volumes.fill_claims(volumes, lambda: _templates(asked, plan, store, needs), mounting)


def give_up(event: e.CloudEvent[e.VolumesMountRequested], reason: Message, needs: MountNeeds) -> Iterator[e.Event]:
    """Records that the volumes are not written."""
    asked = event.data
    store = needs.destinations.store(asked.destination)
    for volume in _missing(asked, ledger.read(store, keys.plan(asked.job), RestorePlan), store):
        yield give_up_volume(store, asked.job, asked.destination, volume.key, str(reason), needs.now())


def _missing(asked: e.VolumesMountRequested, plan: RestorePlan, store: ObjectStore) -> list[VolumeRestore]:
    missing = progress.volumes_to_write(store, asked.job, plan, asked.kind)
    return [volume for volume in missing if f"{volume.namespace}/{volume.pod}" == asked.pod]


def _templates(
    asked: e.VolumesMountRequested, plan: RestorePlan, store: ObjectStore, needs: MountNeeds
) -> dict[mount_volumes.PodKey, Object]:
    request = ledger.read(store, keys.request(asked.job), RestoreRequest)
    captured = load(store, needs.destinations.repository(asked.destination), plan.manifest, request)
    return pods_of(captured.objects)
