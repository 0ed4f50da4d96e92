"""Which volumes of the captured pods are copied, and which should be but cannot.

A chosen volume that cannot be copied is an error, so that its backup never reads as Completed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import PodPlan, VolumePlan
from workers.manifests.capture.volume_choice import (
    OPT_IN,
    OPT_OUT,
    Volume,
    chosen,
    has_spaces,
    opted_in,
    shows_objects,
)
from workers.manifests.capture.watched import is_watched
from workers.manifests.kube.objects import (
    CLAIM,
    POD,
    VOLUME,
    Name,
    claims_of,
    is_going,
    kind_of,
    name_of,
    spec_of,
    status_of,
    title,
    uid_of,
)

Choose = Callable[[Object], Iterator[tuple[str, Volume | None]]]
"""The chosen volumes of a pod."""

ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Planned:
    """The pods whose volumes are copied, and what to tell people."""

    pods: list[PodPlan]
    warnings: list[Message]
    errors: list[Message]


def plan_volumes(
    objects: list[Object], default_volumes: bool, claims: Collection[Name] = (), unwatched: Collection[str] = ()
) -> Planned:
    """Each running pod that has volumes to copy, in the order of `objects`; those of `claims` are copied whatever the
    pods say. Nobody is warned of unusual changes in volumes of the pods with the uids `unwatched`.

    A claim that several pods share is copied with the first of them by namespace and name."""
    choose = partial(chosen, default_volumes=default_volumes, claims=claims)
    pods = [obj for obj in objects if kind_of(obj) == POD]
    storage = _Storage(
        claims={name_of(obj): obj for obj in objects if kind_of(obj) == CLAIM},
        volumes={name_of(obj)[1]: obj for obj in objects if kind_of(obj) == VOLUME},
        holders=_holders(pods, choose),
        unwatched=unwatched,
    )
    ended = [pod for pod in pods if _has_ended(pod)]
    parts = [_plan_pod(pod, storage, choose) for pod in pods if not _has_ended(pod)]
    return _joined([*parts, _left_behind(ended, set(storage.holders), "has ended", choose)])


def lost_claims(going: list[Object], pods: list[Object], default_volumes: bool) -> Planned:
    """What is not copied because the pods `going` are being deleted and none of `pods` mounts it."""
    held = {(name_of(pod)[0], claim) for pod in pods for claim in claims_of(pod).values()}
    choose = partial(chosen, default_volumes=default_volumes)
    return _left_behind(going, held, "is being deleted; back up again", choose)


def mounted_claims(pods: Iterable[Object]) -> set[Name]:
    """The claims that are mounted by one of the `pods` that runs."""
    running = list(filter(_runs, pods))
    return {
        (name_of(pod)[0], claim) for pod in running for name, claim in claims_of(pod).items() if name in _mounted(pod)
    }


def _left_behind(pods: Iterable[Object], held: set[Name], state: str, choose: Choose) -> Planned:
    """The claims of pods that mount nothing any more, each once: those that were chosen by name are errors, those that
    are chosen as all are, are warnings."""
    left, told = Planned([], [], []), set(held)
    for pod in sorted(pods, key=name_of):
        namespace, claims = name_of(pod)[0], claims_of(pod)
        for name, _ in choose(pod):
            if name in claims and (namespace, claims[name]) not in told:
                told.add((namespace, claims[name]))
                (left.errors if name in opted_in(pod) else left.warnings).append(
                    _not_copied(pod, name, f"the pod {state}")
                )
    return left


@dataclass(frozen=True)
class _Storage:
    """The captured claims and volumes, and for each chosen claim the pod, and that pod's volume, that it is copied
    through."""

    claims: Mapping[Name, Object]
    volumes: Mapping[str, Object]
    holders: Mapping[Name, tuple[Name, str]]
    unwatched: Collection[str]


def _holders(pods: Iterable[Object], choose: Choose) -> dict[Name, tuple[Name, str]]:
    holders: dict[Name, tuple[Name, str]] = {}
    for pod in sorted(filter(_runs, pods), key=name_of):
        claims, mounted = claims_of(pod), _mounted(pod)
        for name, _ in choose(pod):
            if name in claims and name in mounted:
                holders.setdefault((name_of(pod)[0], claims[name]), (name_of(pod), name))
    return holders


def _joined(parts: Iterable[Planned]) -> Planned:
    whole = Planned([], [], [])
    for part in parts:
        whole.pods.extend(part.pods)
        whole.warnings.extend(part.warnings)
        whole.errors.extend(part.errors)
    return whole


def _plan_pod(pod: Object, storage: _Storage, choose: Choose) -> Planned:
    """What is copied through the pod, if anything."""
    told = [_plan_volume(pod, name, volume, storage) for name, volume in choose(pod)]
    volumes = [each for each in told if isinstance(each, VolumePlan)]
    namespace, name = name_of(pod)
    return Planned(
        pods=[PodPlan(namespace=namespace, name=name, uid=uid_of(pod), node=spec_of(pod)["nodeName"], volumes=volumes)]
        if volumes
        else [],
        warnings=[*_spaces(pod), *(each.message for each in told if isinstance(each, _Warning))],
        errors=[each.message for each in told if isinstance(each, _Error)],
    )


@dataclass(frozen=True)
class _Warning:
    message: Message


@dataclass(frozen=True)
class _Error:
    message: Message


def _plan_volume(
    pod: Object, name: str, volume: Volume | None, storage: _Storage
) -> VolumePlan | _Warning | _Error | None:
    """None if the volume is copied with another pod."""
    claim = claims_of(pod).get(name)
    holder = storage.holders.get((name_of(pod)[0], claim)) if claim else None
    if holder and holder != (name_of(pod), name):
        return None
    if volume and shows_objects(volume):
        return _Warning(_not_copied(pod, name, "it shows objects, which are captured as such"))
    problem = _problem(pod, name, volume) or (_claim_problem(name_of(pod)[0], claim, storage) if claim else None)
    if problem:
        return _Error(_not_copied(pod, name, problem))
    if not claim:
        return VolumePlan(name=name, kind="emptyDir", directory=name)
    obj = storage.claims[name_of(pod)[0], claim]
    directory = spec_of(obj)["volumeName"]
    watched = is_watched(pod) and is_watched(obj) and uid_of(pod) not in storage.unwatched
    return VolumePlan(name=name, kind="claim", directory=directory, claim=claim, claim_uid=uid_of(obj), watched=watched)


def _claim_problem(namespace: str, name: str, storage: _Storage) -> str | None:
    claim = storage.claims.get((namespace, name))
    if claim is None:
        return f"its claim {name} is not in the backup; take it in, or leave the volume out ({OPT_OUT})"
    volume_name = spec_of(claim).get("volumeName")
    if status_of(claim).get("phase") != "Bound" or not volume_name:
        return f"its claim {name} is not bound to a volume (kubectl describe pvc -n {namespace} {name})"
    if spec_of(claim).get("volumeMode") == "Block":
        return f"its claim {name} is a raw block device, which Snapline cannot copy"
    if spec_of(storage.volumes.get(volume_name, {})).get("hostPath"):
        return f"its claim {name} is on a hostPath volume, which the kubelet does not show; use a local volume"
    return None


def _spaces(pod: Object) -> list[Message]:
    text = f"{title(pod)}: the annotation {OPT_IN} holds spaces; they were ignored"
    return [Message(code=Code.INVALID, text=text, subject=title(pod))] if has_spaces(pod) else []


def _not_copied(pod: Object, name: str, why: str) -> Message:
    text = f"{title(pod)}, volume {name}, was not copied: {why}"
    return Message(code=Code.VOLUME_NOT_COPIED, text=text, subject=f"{title(pod)}, volume {name}")


def _problem(pod: Object, name: str, volume: Volume | None) -> str | None:
    """Why a volume cannot be copied, as far as the pod itself tells."""
    if volume is None:
        return f"the pod has no volume of that name; correct its annotation {OPT_IN}"
    if volume.get("hostPath") is not None:
        return f"hostPath volumes are never copied; take it out of {OPT_IN}"
    if volume.get("emptyDir") is None and not volume.get("persistentVolumeClaim"):
        kinds = ", ".join(key for key in volume if key != "name")
        return f"volumes of this kind ({kinds}) cannot be copied; leave it out ({OPT_OUT})"
    if not _runs(pod):
        phase = "being deleted" if is_going(pod) else status_of(pod).get("phase", "not started")
        return f"the pod is {phase}, not Running; back up again when it runs"
    if name not in _mounted(pod):
        return "no container of the pod mounts it as a file system"
    return None


def _has_ended(pod: Object) -> bool:
    return status_of(pod).get("phase") in ENDED


def _runs(pod: Object) -> bool:
    return status_of(pod).get("phase") == "Running" and bool(spec_of(pod).get("nodeName")) and not is_going(pod)


def _mounted(pod: Object) -> set[str]:
    """The volumes that the kubelet mounts, since some container does."""
    containers = [*(spec_of(pod).get("containers") or []), *(spec_of(pod).get("initContainers") or [])]
    return {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}
