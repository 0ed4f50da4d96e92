"""restore.apply: claims and what pods need, then volumes, then workloads, so that nothing races the data.

1. wave `before-volumes`: everything ordered before pods is created
2. a helper pod binds the claims of each backed-up pod to a node; the node's worker fills them
3. the helpers go; wave `waiting-pods`: pods with emptyDir data, or with an init container of a hook, are created and
   get their nodes
4. wave `workloads`: workloads and the rest are created
5. the pods' emptyDirs are filled while an init container waits
6. every volume is accounted for: `restore.applied`

Each of these looks at what is there and does what is missing, so all may run any number of times.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.kubernetes import Object
from schemas.messages import brief
from schemas.records import Applied, Began, RestorePlan, RestoreRequest, VolumeKind, VolumeRestore
from workers.hooks.restore_choose import init_container, with_init_container
from workers.jobs import ledger, progress
from workers.manifests.kube.objects import POD, controller_of, kind_of, name_of
from workers.manifests.restore import mount_volumes
from workers.manifests.restore.apply_wave import Wave, apply_wave
from workers.manifests.restore.holding_pods import waiting_pod
from workers.manifests.restore.load import load
from workers.manifests.restore.mount_volumes import Mounting, PodKey
from workers.manifests.restore.order import ordered, waves
from workers.manifests.restore.sanitise import skip_reason
from workers.manifests.restore.sanitise.storage import without_refilled
from workers.ports import Cluster, Destinations, ObjectStore, Repository

BUSY_WAVE = timedelta(minutes=2)
"""How long a wave tries again what the API server could not do at once."""


@dataclass(frozen=True)
class ApplyNeeds:
    """What applying needs. `patience` is how long a pod may take to start, `volume_wait` how long one may wait."""

    destinations: Destinations
    cluster: Cluster
    image: str
    patience: timedelta
    volume_wait: timedelta
    now: Callable[[], datetime]


Heard = e.RestorePrepared | e.VolumesRestored | e.VolumesRestoreFailed


def apply(event: e.CloudEvent[Heard], needs: ApplyNeeds) -> Iterator[e.Event]:
    """The next requests, or `restore.applied`. Raises NotYet while pods are starting."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    plan = ledger.find(store, keys.plan(job), RestorePlan)
    if plan is not None:
        restore = _Restore(job, destination, plan, store, needs.destinations.repository(destination), needs)
        yield from _phases(restore, _due(event.data, plan))


def _due(event: Heard, plan: RestorePlan) -> set[VolumeKind]:
    """The kinds of volume that may have to be asked for when this event is heard, be it for the first time or again:
    all by `restore.prepared`, those inside pods after every claim."""
    if isinstance(event, e.RestorePrepared):
        return {"claim", "emptyDir"}
    kinds = {volume.key: volume.kind for volume in plan.volumes}
    return {"emptyDir"} if kinds.get(event.volume) == "claim" else set()


@dataclass(frozen=True)
class _Restore:
    """One restore, with its objects read when they are first needed."""

    job: Job
    destination: str
    plan: RestorePlan
    store: ObjectStore
    repository: Repository
    needs: ApplyNeeds

    @property
    def mounting(self) -> Mounting:
        """What is needed to fill its volumes."""
        needs = self.needs
        return Mounting(self.job, self.destination, self.store, needs.cluster, needs.image, needs.patience, needs.now)

    def missing(self, kind: VolumeKind) -> list[VolumeRestore]:
        """The volumes of a kind that have no result yet."""
        return progress.volumes_to_write(self.store, self.job, self.plan, kind)

    @cached_property
    def objects(self) -> list[Object]:
        """As captured, in restore order."""
        request = ledger.read(self.store, keys.request(self.job), RestoreRequest)
        loaded = load(self.store, self.repository, self.plan.manifest, request)
        refilled = [(volume.namespace, volume.claim) for volume in self.plan.volumes if volume.claim]
        return ordered(without_refilled(loaded, refilled), self.needs.cluster.resource_types())

    def pods(self) -> dict[PodKey, Object]:
        """The captured pods."""
        return {name_of(obj): obj for obj in self.objects if kind_of(obj) == POD}


def _phases(restore: _Restore, due: set[VolumeKind]) -> Iterator[e.Event]:
    """What is missing. Volumes of the kinds that are `due` are asked for, even if they were before."""
    plan, mounting = restore.plan, restore.mounting
    if not _applied(restore, "before-volumes"):
        _apply(restore, "before-volumes", waves(restore.objects).before)
    inside = [volume for volume in plan.volumes if volume.kind == "emptyDir"]
    if not _applied(restore, "waiting-pods"):
        if "claim" in due and (missing := restore.missing("claim")):
            yield from mount_volumes.fill_claims(missing, restore.pods(), mounting)
        if restore.missing("claim"):
            return
        mount_volumes.remove_helpers([v for v in plan.volumes if v.kind == "claim"], mounting.cluster)
        _apply(restore, "waiting-pods", list(_waiting_pods(restore, inside).values()))
    if not _applied(restore, "workloads"):
        there = set(_waiting_pods(restore, inside))
        mount_volumes.await_nodes(there, mounting)
        _apply(restore, "workloads", list(_workloads(restore, there)))
    if "emptyDir" in due and (missing := restore.missing("emptyDir")):
        yield from mount_volumes.fill_pods(missing, mounting)
    if not restore.missing("emptyDir"):
        yield e.RestoreApplied(restore=restore.job.name, destination=restore.destination)


def _applied(restore: _Restore, wave: keys.Wave) -> bool:
    return ledger.find(restore.store, keys.wave_applied(restore.job, wave), Applied) is not None


def _apply(restore: _Restore, wave: keys.Wave, objects: list[Object]) -> None:
    """Creates a wave's objects and records the outcome. Raises NotYet if something may work a little later."""
    job, store, now = restore.job, restore.store, restore.needs.now
    began = ledger.create(store, keys.wave_began(job, wave), Began(at=now()))
    outcome = apply_wave(Wave(job.name, restore.plan.backup, objects), restore.needs.cluster)
    if outcome.later and now() - began.at <= BUSY_WAVE:
        ledger.pulse(store, job)
        raise NotYet(f"wave {wave}: {brief(outcome.later)}")
    applied = Applied(
        created=outcome.created,
        existing=outcome.existing,
        errors=[*outcome.errors, *outcome.later],
        warnings=list(outcome.warnings),
        finished_at=now(),
    )
    ledger.create(store, keys.wave_applied(job, wave), applied)


def _waiting_pods(restore: _Restore, inside: list[VolumeRestore]) -> dict[PodKey, Object]:
    """The wave `waiting-pods`: those with data of their own, and those with an init container of a hook. A controller
    that made such a pod would make it without."""
    volumes: dict[PodKey, list[str]] = defaultdict(list)
    for volume in inside:
        volumes[volume.namespace, volume.pod].append(volume.name)
    needs, found = restore.needs, {}
    for key, pod in restore.pods().items():
        container = init_container(pod, restore.job.name)
        if container and skip_reason(pod) is None:
            found[key] = pod = with_init_container(pod, container)
        if key in volumes:
            found[key] = waiting_pod(pod, volumes[key], needs.image, needs.volume_wait.total_seconds())
    return found


def _workloads(restore: _Restore, there: set[PodKey]) -> Iterator[Object]:
    """The wave `workloads`, but for the pods that are there. Controllers make their own pods."""
    for obj in waves(restore.objects).after:
        if kind_of(obj) != POD or (name_of(obj) not in there and controller_of(obj) is None):
            yield obj
