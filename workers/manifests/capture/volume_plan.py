"""Which volumes of the captured pods are copied, and which ought to be but cannot (kots-velero.md 7.6).

By default volumes opt in by annotation; with `default_volumes` all that hold data do, but for those that opt out.
A selected volume that cannot be copied is an error, so that its backup never reads as Completed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from schemas.records import PodPlan, VolumePlan
from workers.manifests.capture.related import claims_of
from workers.manifests.kube.objects import (
    CLAIM,
    POD,
    VOLUME,
    Name,
    annotations_of,
    is_going,
    kind_of,
    name_of,
    spec_of,
    status_of,
    title,
    uid_of,
)
from workers.manifests.kube.own import WAIT_CONTAINER

OPT_IN = "backup.velero.io/backup-volumes"
OPT_OUT = "backup.velero.io/backup-volumes-excludes"

OBJECTS = ("secret", "configMap", "projected", "downwardAPI")
"""Volumes that show what is in objects, or in the API server: there is nothing to copy."""
ENDED = ("Succeeded", "Failed")

Volume = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """The pods whose volumes are copied, and what to tell people."""

    pods: list[PodPlan]
    warnings: list[Message]
    errors: list[Message]


def plan_volumes(objects: list[Object], default_volumes: bool) -> Planned:
    """Each running pod that has volumes to copy, in the order of `objects`.

    A claim that several pods share is copied with the first of them by namespace and name."""
    planning = _Planning(objects, default_volumes)
    pods = [plan for obj in objects if kind_of(obj) == POD and (plan := planning.pod(obj))]
    return Planned(pods, planning.warnings, planning.errors)


def lost_claims(going: Object, pods: list[Object]) -> list[Message]:
    """What is not copied because the pod `going` is being deleted, and no other of `pods` mounts it; in words."""
    held = {(name_of(pod)[0], claim) for pod in pods for claim in claims_of(pod).values()}
    namespace, claims = name_of(going)[0], claims_of(going)
    return [
        _not_copied(going, name, "the pod is being deleted; back up again")
        for name in _named(going, OPT_IN)
        if name in claims and (namespace, claims[name]) not in held
    ]


class _Planning:
    """The volumes of one backup's pods."""

    def __init__(self, objects: list[Object], default_volumes: bool) -> None:
        self._default = default_volumes
        self._claims = {name_of(obj): obj for obj in objects if kind_of(obj) == CLAIM}
        self._volumes = {name_of(obj)[1]: obj for obj in objects if kind_of(obj) == VOLUME}
        self._holders = self._choose_holders([obj for obj in objects if kind_of(obj) == POD and _runs(obj)])
        self.warnings: list[Message] = []
        self.errors: list[Message] = []

    def pod(self, pod: Object) -> PodPlan | None:
        """What is copied through the pod, if anything. What cannot be goes to the errors."""
        if status_of(pod).get("phase") in ENDED:
            self._note_ended(pod)
            return None
        if any(name != name.strip() for name in annotations_of(pod).get(OPT_IN, "").split(",")):
            text = f"{title(pod)}: the annotation {OPT_IN} holds spaces; they were ignored"
            self.warnings.append(Message(code=Code.INVALID, text=text, subject=title(pod)))
        planned = [plan for name, volume in self._selected(pod) if (plan := self._plan(pod, name, volume))]
        if not planned:
            return None
        namespace, name = name_of(pod)
        return PodPlan(namespace=namespace, name=name, uid=uid_of(pod), node=spec_of(pod)["nodeName"], volumes=planned)

    def _choose_holders(self, pods: list[Object]) -> dict[Name, tuple[Name, str]]:
        """For each selected claim, the pod and the volume of it that the claim is copied through."""
        holders: dict[Name, tuple[Name, str]] = {}
        for pod in sorted(pods, key=name_of):
            claims, mounted = claims_of(pod), _mounted(pod)
            for name, _ in self._selected(pod):
                if name in claims and name in mounted:
                    holders.setdefault((name_of(pod)[0], claims[name]), (name_of(pod), name))
        return holders

    def _selected(self, pod: Object) -> Iterator[tuple[str, Volume | None]]:
        """Names of the selected volumes, with their definitions; None where the pod has no such volume."""
        volumes = {volume["name"]: volume for volume in spec_of(pod).get("volumes") or []}
        if not self._default:
            yield from ((name, volumes.get(name)) for name in _named(pod, OPT_IN))
            return
        left_out = {*_named(pod, OPT_OUT), WAIT_CONTAINER}
        for name, volume in volumes.items():
            holds_data = not any(volume.get(kind) is not None for kind in (*OBJECTS, "hostPath"))
            if holds_data and name not in left_out:
                yield name, volume

    def _plan(self, pod: Object, name: str, volume: Volume | None) -> VolumePlan | None:
        """The plan of one volume; None if it is copied with another pod, or not at all."""
        claim = claims_of(pod).get(name)
        holder = self._holders.get((name_of(pod)[0], claim)) if claim else None
        if holder and holder != (name_of(pod), name):
            return None
        if volume and any(volume.get(kind) is not None for kind in OBJECTS):
            self.warnings.append(_not_copied(pod, name, "it shows objects, which are captured as such"))
            return None
        problem = _problem(pod, name, volume) or (self._claim_problem(name_of(pod)[0], claim) if claim else None)
        if problem:
            self.errors.append(_not_copied(pod, name, problem))
            return None
        if not claim:
            return VolumePlan(name=name, kind="emptyDir", directory=name)
        obj = self._claims[name_of(pod)[0], claim]
        return VolumePlan(
            name=name, kind="claim", directory=spec_of(obj)["volumeName"], claim=claim, claim_uid=uid_of(obj)
        )

    def _claim_problem(self, namespace: str, name: str) -> str | None:
        claim = self._claims.get((namespace, name))
        if claim is None:
            return f"its claim {name} is not in the backup; take it in, or leave the volume out ({OPT_OUT})"
        volume_name = spec_of(claim).get("volumeName")
        if status_of(claim).get("phase") != "Bound" or not volume_name:
            return f"its claim {name} is not bound to a volume (kubectl describe pvc -n {namespace} {name})"
        if spec_of(claim).get("volumeMode") == "Block":
            return f"its claim {name} is a raw block device, which Snapline cannot copy"
        if spec_of(self._volumes.get(volume_name, {})).get("hostPath"):
            return f"its claim {name} is on a hostPath volume, which the kubelet does not show; use a local volume"
        return None

    def _note_ended(self, pod: Object) -> None:
        """An ended pod mounts nothing any more; its claims may hold data all the same."""
        for name, claim in claims_of(pod).items():
            if name in _named(pod, OPT_IN) and (name_of(pod)[0], claim) not in self._holders:
                self.warnings.append(_not_copied(pod, name, "the pod has ended"))


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


def _runs(pod: Object) -> bool:
    return status_of(pod).get("phase") == "Running" and bool(spec_of(pod).get("nodeName")) and not is_going(pod)


def _mounted(pod: Object) -> set[str]:
    """The volumes that the kubelet mounts, since some container does."""
    containers = [*(spec_of(pod).get("containers") or []), *(spec_of(pod).get("initContainers") or [])]
    return {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}


def _named(pod: Object, annotation: str) -> list[str]:
    """The comma list in an annotation, without spaces and empty names, each once."""
    names = (name.strip() for name in annotations_of(pod).get(annotation, "").split(","))
    return list(dict.fromkeys(name for name in names if name))
