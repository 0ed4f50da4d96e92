"""restore.apply: claims and what pods need, then volumes, then workloads, so that nothing races the data.

1. wave `before-volumes`: everything ordered before pods is created
2. a helper pod binds the claims of each backed-up pod to a node; `volumes.mount.requested` waits for it, and the node's
   worker fills them
3. the helpers go; wave `waiting-pods`: pods with emptyDir data, or with an init container of a hook, are created and
   get their nodes
4. wave `workloads`: workloads and the rest are created
5. the pods' emptyDirs are filled while an init container waits; a pod whose data does not come starts without it
6. every volume is accounted for: `restore.applied`

Each of these looks at what is there and does what is missing, so all may run any number of times.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.kubernetes import Object
from schemas.messages import Message, brief
from schemas.records import (
    Applied,
    Began,
    OwnerEnded,
    RestorePlan,
    RestoreRequest,
    VolumeKind,
    VolumeRestore,
    VolumeResult,
)
from workers.hooks.restore_choose import init_container, with_init_container
from workers.jobs import ledger, progress
from workers.jobs.once import once
from workers.jobs.results import give_up_owner
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import POD, Name, kind_of, name_of, pods_of
from workers.manifests.restore import mount_volumes
from workers.manifests.restore.apply_wave import Wave, apply_wave
from workers.manifests.restore.holding_pods import waiting_pod
from workers.manifests.restore.left_to_controllers import left_to_controllers
from workers.manifests.restore.load import load
from workers.manifests.restore.mapping import scratch
from workers.manifests.restore.mount_volumes import Mounting
from workers.manifests.restore.order import ordered, waves
from workers.manifests.restore.rebind import find_volume, free_volumes, give_back, rebinding
from workers.manifests.restore.sanitise import skip_reason
from workers.manifests.restore.waiting_pods import start_without
from workers.planning.creating import of_owner, refilled, to_create
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
    if plan is None or (owner := _owner(event.data, plan)) is None:
        return
    if ledger.exists(store, keys.owner_ended(job, owner)):
        yield progress.next_of_owner(store, job, destination, owner)
        return
    repository = needs.destinations.repository(destination)
    yield from _phases(_Restore(job, owner, destination, plan, store, repository, needs), _due(event.data, plan))


def give_up(event: e.CloudEvent[Heard], reason: Message, needs: ApplyNeeds) -> Iterator[e.Event]:
    """Records that the owner's objects are not restored, or not wholly; the others go on."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    owner = _owner(event.data, ledger.read(store, keys.plan(job), RestorePlan))
    if owner is not None:
        yield give_up_owner(store, job, event.data.destination, owner, reason, needs.now())


def _owner(event: Heard, plan: RestorePlan) -> str | None:
    """Whose objects and volumes the event is about."""
    if isinstance(event, e.RestorePrepared):
        return event.owner
    return next((volume.owner for volume in plan.volumes if volume.key == event.volume), None)


def _due(event: Heard, plan: RestorePlan) -> set[VolumeKind]:
    """The kinds of volume that may have to be asked for when this event is heard, be it for the first time or again:
    all by `restore.prepared`, those inside pods after every claim."""
    if isinstance(event, e.RestorePrepared):
        return {"claim", "emptyDir"}
    kinds = {volume.key: volume.kind for volume in plan.volumes}
    return {"emptyDir"} if kinds.get(event.volume) == "claim" else set()


@dataclass(frozen=True)
class _Restore:
    """The restore of one owner, with the captured objects read when they are first needed."""

    job: Job
    owner: str
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
        """The owner's volumes of a kind that have no result yet."""
        missing = progress.volumes_to_write(self.store, self.job, self.plan, kind)
        return [volume for volume in missing if volume.owner == self.owner]

    def volumes(self, kind: VolumeKind) -> list[VolumeRestore]:
        """All volumes of a kind of the owner's."""
        return [volume for volume in self.plan.volumes if volume.kind == kind and volume.owner == self.owner]

    @once
    def request(self) -> RestoreRequest:
        """What was asked."""
        return ledger.read(self.store, keys.request(self.job), RestoreRequest)

    @once
    def held(self) -> Captured:
        """What the backup holds in the restore's scope."""
        return load(self.store, self.repository, self.plan.manifest, self.request)

    @once
    def captured(self) -> list[Object]:
        """What of it is the owner's, in restore order."""
        return ordered(of_owner(self.held, self.owner), self.needs.cluster.discover().types)

    @once
    def rebound(self) -> dict[Name, str]:
        """The claims that get their old volumes back."""
        return rebinding(self.held.objects, find_volume(self.needs.cluster))

    @once
    def objects(self) -> list[Object]:
        """What is created: claims that get new volumes do not bring their old ones."""
        return to_create(self.captured, self.plan, self.owner, self.rebound)

    @property
    def refilled(self) -> list[Name]:
        """The claims whose content comes from the backup."""
        return refilled(self.plan, self.owner)

    def pods(self) -> dict[Name, Object]:
        """The captured pods."""
        return pods_of(self.captured)


def _phases(restore: _Restore, due: set[VolumeKind]) -> Iterator[e.Event]:
    """What is missing. Volumes of the kinds that are `due` are asked for, even if they were before."""
    mounting = restore.mounting
    if not _applied(restore, "before-volumes"):
        _await_shared(restore)
        if restore.request.test:
            scratch.make(restore.held.objects, restore.request, restore.needs.cluster)
        free_volumes(restore.needs.cluster, restore.rebound)
        _apply(restore, "before-volumes", waves(restore.objects).before)
    inside = restore.volumes("emptyDir")
    if not _applied(restore, "waiting-pods"):
        if "claim" in due and (missing := restore.missing("claim")):
            mount_volumes.make_helpers(missing, restore.pods(), mounting)
            yield from mount_volumes.ask_to_mount(missing, mounting)
        if restore.missing("claim"):
            return
        _believe_written(restore)
        lacking = list(give_back(restore.needs.cluster, restore.captured, restore.refilled))
        mount_volumes.remove_helpers(restore.volumes("claim"), mounting.cluster)
        _apply(restore, "waiting-pods", list(_waiting_pods(restore, inside).values()), lacking)
    if not _applied(restore, "workloads"):
        there = set(_waiting_pods(restore, inside))
        mount_volumes.await_nodes(there, restore.owner, mounting)
        _apply(restore, "workloads", list(_workloads(restore, there)))
    if "emptyDir" in due and (missing := restore.missing("emptyDir")):
        yield from mount_volumes.ask_to_mount(missing, mounting)
    if not restore.missing("emptyDir"):
        _start_without(restore, inside)
        job, store = restore.job, restore.store
        ledger.create(store, keys.owner_ended(job, restore.owner), OwnerEnded(finished_at=restore.needs.now()))
        yield progress.next_of_owner(store, job, restore.destination, restore.owner)


def _believe_written(restore: _Restore) -> None:
    """What starts now must not start over volumes that somebody only says are written. Raises Damaged."""
    for volume in restore.volumes("claim"):
        ledger.read(restore.store, keys.volume_result(restore.job, volume.key), VolumeResult)


def _await_shared(restore: _Restore) -> None:
    """What applications share comes first: their namespaces and definitions, for one. Raises NotYet before."""
    job, store = restore.job, restore.store
    if restore.owner == e.SHARED or e.SHARED not in restore.plan.owners:
        return
    done = (keys.wave_applied(job, e.SHARED, "before-volumes"), keys.owner_ended(job, e.SHARED))
    if not any(ledger.exists(store, key) for key in done):
        raise NotYet("waiting for what several applications share")


def _applied(restore: _Restore, wave: keys.Wave) -> bool:
    return ledger.find(restore.store, keys.wave_applied(restore.job, restore.owner, wave), Applied) is not None


def _apply(restore: _Restore, wave: keys.Wave, objects: list[Object], lacking: Sequence[Message] = ()) -> None:
    """Creates a wave's objects and records the outcome. Raises NotYet if something may work a little later."""
    job, store, now = restore.job, restore.store, restore.needs.now
    began = ledger.create(store, keys.wave_began(job, restore.owner, wave), Began(at=now()))
    outcome = apply_wave(Wave(job.name, restore.plan.backup, objects), restore.needs.cluster)
    if outcome.later and now() - began.at <= BUSY_WAVE:
        ledger.pulse(store, job)
        raise NotYet(f"wave {wave}: {brief(outcome.later)}")
    applied = Applied(
        created=outcome.created,
        existing=outcome.existing,
        errors=[*outcome.errors, *outcome.later],
        warnings=[*lacking, *outcome.warnings],
        finished_at=now(),
    )
    ledger.create(store, keys.wave_applied(job, restore.owner, wave), applied)


def _waiting_pods(restore: _Restore, inside: list[VolumeRestore]) -> dict[Name, Object]:
    """The wave `waiting-pods`: those with data of their own, and those with an init container of a hook. A controller
    that made such a pod would make it without."""
    volumes: dict[Name, list[str]] = defaultdict(list)
    for volume in inside:
        volumes[volume.namespace, volume.pod].append(volume.name)
    needs, found = restore.needs, dict[Name, Object]()
    for key, pod in restore.pods().items():
        hooked = _with_hook(pod, restore.job)
        if key in volumes:
            found[key] = waiting_pod(hooked, volumes[key], needs.image, needs.volume_wait.total_seconds())
        elif hooked is not pod:
            found[key] = hooked
    return found


def _with_hook(pod: Object, job: Job) -> Object:
    """The captured pod, with the init container of its hook if it has one and the pod is restored at all."""
    container = init_container(pod, job.name)
    return with_init_container(pod, container) if container and skip_reason(pod) is None else pod


def _start_without(restore: _Restore, inside: list[VolumeRestore]) -> None:
    """Nothing is left waiting for data that will not come: its pod starts without it, or makes way for another one."""
    lost: dict[Name, list[str]] = defaultdict(list)
    for volume in inside:
        if ledger.read(restore.store, keys.volume_result(restore.job, volume.key), VolumeResult).errors:
            lost[volume.namespace, volume.pod].append(volume.name)
    for key, names in lost.items():
        start_without(restore.needs.cluster, key, names, restore.job.name)
    pods, made = restore.pods(), left_to_controllers(restore.held.objects)
    bare = [_with_hook(pods[key], restore.job) for key in lost if key in pods and key not in made]
    apply_wave(Wave(restore.job.name, restore.plan.backup, bare), restore.needs.cluster)


def _workloads(restore: _Restore, there: set[Name]) -> Iterator[Object]:
    """The wave `workloads`, without the pods that are there and those that their controllers make."""
    not_ours = there | left_to_controllers(restore.held.objects)
    for obj in waves(restore.objects).after:
        if kind_of(obj) != POD or name_of(obj) not in not_ours:
            yield obj
