"""restore.apply: claims and what pods need, then volumes, then workloads, so that nothing races the data.

1. everything ordered before pods is created (wave `before`)
2. a helper pod binds the claims of each backed-up pod to a node; the node's worker fills them
3. the helpers go; pods with emptyDir data are created (wave `pods`) and get their nodes
4. workloads and the rest are created (wave `after`)
5. the pods' emptyDirs are filled while an init container waits
6. every volume is accounted for: `restore.applied`

Every phase looks at what is there and does what is missing, so all may run any number of times.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.kubernetes import Object
from schemas.records import Applied, Began, RestorePlan, RestoreRequest, VolumeRestore
from workers import ledger
from workers.manifests.kube.objects import POD, controller_of, kind_of, name_of
from workers.manifests.restore.apply_wave import Wave, apply_wave
from workers.manifests.restore.holding_pods import waiting_pod
from workers.manifests.restore.order import ordered, waves
from workers.manifests.restore.sanitise.storage import without_refilled
from workers.ports import Cluster, ObjectStore, Repository
from workers.steps import endings, filling
from workers.steps.restored_objects import load

BUSY_WAVE = timedelta(minutes=2)
"""How long a wave tries again what the API server could not do at once."""


@dataclass(frozen=True)
class Applying:
    """What applying needs. `patience` is how long a pod may take to start, `volume_wait` how long one may wait."""

    store: ObjectStore
    repository: Repository
    cluster: Cluster
    image: str
    patience: timedelta
    volume_wait: timedelta
    now: Callable[[], datetime]


Heard = e.RestorePrepared | e.VolumesRestored | e.VolumesRestoreFailed


def apply(event: e.CloudEvent[Heard], world: Applying) -> Iterator[e.Event]:
    """The next phase's requests, or `restore.applied`. Raises NotYet while pods are starting."""
    name = event.data.restore
    if record := ledger.finished_restore(world.store, name):
        yield endings.restore_ended(record)
        return
    if ledger.cancelled(world.store, "restores", name):
        yield endings.cancel_restore(world.store, name, world.now())
        return
    plan = ledger.find(world.store, keys.plan("restores", name), RestorePlan)
    if plan is not None:
        yield from _phases(_Restore(name, plan, world), _due(event.data, plan))


def _due(event: Heard, plan: RestorePlan) -> set[str]:
    """The kinds of volume that may have to be asked for when this event is heard, be it for the first time or again:
    all by `restore.prepared`, those inside pods after every claim."""
    if isinstance(event, e.RestorePrepared):
        return {"claim", "emptyDir"}
    kinds = {volume.unit: volume.kind for volume in plan.volumes}
    return {"emptyDir"} if kinds.get(event.unit) == "claim" else set()


class _Restore:
    """One restore, with its objects read when they are first needed."""

    def __init__(self, name: str, plan: RestorePlan, world: Applying) -> None:
        self.name, self.plan, self.world = name, plan, world
        self.filling = filling.Filling(world.store, world.cluster, world.image, world.patience, world.now)

    def missing(self, kind: str) -> list[VolumeRestore]:
        """The volumes of a kind that have no result yet."""
        done = {found.key for found in self.world.store.list(keys.units("restores", self.name))}
        wanted = (volume for volume in self.plan.volumes if volume.kind == kind)
        return [volume for volume in wanted if keys.unit("restores", self.name, volume.unit) not in done]

    @cached_property
    def objects(self) -> list[Object]:
        """As captured, in restore order."""
        request = ledger.read(self.world.store, keys.request("restores", self.name), RestoreRequest)
        loaded = load(self.world.store, self.world.repository, self.plan.manifest, request)
        refilled = [(volume.namespace, volume.claim) for volume in self.plan.volumes if volume.claim]
        return ordered(without_refilled(loaded, refilled), self.world.cluster.resource_types())

    def pods(self) -> dict[filling.PodKey, Object]:
        """The captured pods."""
        return {name_of(obj): obj for obj in self.objects if kind_of(obj) == POD}


def _phases(restore: _Restore, due: set[str]) -> Iterator[e.Event]:
    """What is missing. Volumes of the kinds that are `due` are asked for, even if they were before."""
    world = restore.world
    if not _applied(restore, "before"):
        _apply(restore, "before", waves(restore.objects).before)
    inside = [volume for volume in restore.plan.volumes if volume.kind == "emptyDir"]
    if not _applied(restore, "pods"):
        if "claim" in due and (missing := restore.missing("claim")):
            yield from filling.fill_claims(restore.name, missing, restore.pods(), restore.filling)
        if restore.missing("claim"):
            return
        filling.remove_helpers([v for v in restore.plan.volumes if v.kind == "claim"], world.cluster)
        _apply(restore, "pods", list(_waiting_pods(restore, inside)))
    if not _applied(restore, "after"):
        filling.await_nodes(restore.name, inside, restore.filling)
        _apply(restore, "after", list(_workloads(restore, inside)))
    if "emptyDir" in due and (missing := restore.missing("emptyDir")):
        yield from filling.fill_pods(restore.name, missing, restore.filling)
    if not restore.missing("emptyDir"):
        yield e.RestoreApplied(restore=restore.name)


def _applied(restore: _Restore, wave: str) -> bool:
    return ledger.find(restore.world.store, keys.applied(restore.name, wave), Applied) is not None


def _apply(restore: _Restore, wave: str, objects: list[Object]) -> None:
    """Creates a wave's objects and records the outcome. Raises NotYet for what may work a little later."""
    store, now = restore.world.store, restore.world.now
    began = ledger.create(store, keys.began(restore.name, wave), Began(at=now()))
    outcome = apply_wave(Wave(restore.name, restore.plan.backup, objects), restore.world.cluster)
    if outcome.later and now() - began.at <= BUSY_WAVE:
        ledger.pulse(store, "restores", restore.name)
        raise NotYet(f"wave {wave}: {endings.brief(*outcome.later)}")
    applied = Applied(
        created=outcome.created,
        existing=outcome.existing,
        errors=[*outcome.errors, *outcome.later],
        warnings=outcome.warnings,
        finished_at=now(),
    )
    ledger.create(store, keys.applied(restore.name, wave), applied)


def _waiting_pods(restore: _Restore, inside: list[VolumeRestore]) -> Iterator[Object]:
    """The wave `pods`: those with data of their own."""
    volumes: dict[filling.PodKey, list[str]] = defaultdict(list)
    for volume in inside:
        volumes[volume.namespace, volume.pod].append(volume.name)
    world = restore.world
    for key, pod in restore.pods().items():
        if key in volumes:
            yield waiting_pod(pod, volumes[key], world.image, world.volume_wait.total_seconds())


def _workloads(restore: _Restore, inside: list[VolumeRestore]) -> Iterator[Object]:
    """The wave `after`. Controllers make their own pods."""
    there = {(volume.namespace, volume.pod) for volume in inside}
    for obj in waves(restore.objects).after:
        if kind_of(obj) != POD or (name_of(obj) not in there and controller_of(obj) is None):
            yield obj
