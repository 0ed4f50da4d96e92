"""What is there at one moment: objects by kind and name, the contents of volumes."""

import uuid
from dataclasses import dataclass
from typing import Any

from deploy.local import looking, samples
from schemas.kubernetes import CLAIMS, VOLUMES, Object
from tests.support.line import CONSOLE, Line

BY_THEMSELVES = ("Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision", "PodMetrics")
"""Kinds whose objects come and go with others."""


@dataclass(frozen=True)
class Picture:
    """What was there at one moment."""

    objects: dict[str, Object]
    contents: dict[str, dict[str, Any]]

    def uid(self, name: str) -> str:
        """The uid of an object, by kind and name: what has the same is the same object."""
        return str(self.objects[name]["metadata"]["uid"])

    def uids(self, *owners: str) -> dict[str, str]:
        """The uids of what belongs to any of `owners`."""
        return {name: self.uid(name) for name, obj in self.objects.items() if whose(obj) in owners}

    def names(self) -> set[str]:
        """Kinds and names, without those that controllers draw."""
        drawn = ("Pod ", "ReplicaSet ")
        return {name for name in self.objects if not name.startswith(drawn) and "-token-" not in name}


def picture(line: Line) -> Picture:
    """Of now."""
    return Picture(everything(line), contents(line))


def everything(line: Line) -> dict[str, Object]:
    """All objects in the namespace, by kind and name."""
    return {
        f"{type_.kind} {obj['metadata']['name']}": obj
        for type_ in line.cluster.discover().types
        if type_.namespaced and "list" in type_.verbs and type_.kind not in BY_THEMSELVES
        for obj in line.cluster.list(type_, CONSOLE)
    }


def contents(line: Line) -> dict[str, dict[str, Any]]:
    """What is in each volume that is mounted, by claim, or pod and emptyDir."""
    return {key.partition("/")[2]: samples.tree_digest(path) for key, path in line.volume_directories()}


def spoil(line: Line, *claims: str) -> None:
    """Writes into volumes, and deletes from them."""
    for key, directory in line.volume_directories():
        if key.partition("/")[2] in claims:
            (directory / "empty-file").write_text(f"written later: {uuid.uuid4()}")
            (directory / "large-0.img").unlink(missing_ok=True)


def volume_of(line: Line, claim: str) -> Object:
    """The PersistentVolume that a claim is bound to."""
    found = line.cluster.get(CLAIMS, CONSOLE, claim)
    volume = line.cluster.get(VOLUMES, None, found["spec"]["volumeName"])
    assert volume["spec"]["claimRef"]["uid"] == found["metadata"]["uid"], volume
    return volume


def leftovers(line: Line) -> list[str]:
    """Helper pods, and pods that wait for something before they start."""
    return [
        name_of(pod)
        for pod in looking.pods(line.cluster, CONSOLE)
        if "snapline.dev/restore" in (pod["metadata"].get("labels") or {}) or waits(pod)
    ]


def waits(pod: Object) -> bool:
    """Whether it is in `Init`."""
    inits = (pod.get("status") or {}).get("initContainerStatuses") or []
    return any("terminated" not in init["state"] for init in inits)


def is_going(obj: Object) -> bool:
    """Whether somebody has asked for its deletion."""
    return "deletionTimestamp" in obj["metadata"]


def whose(obj: Object) -> str:
    """The application's slug, `console`, or `nobody`."""
    labels = obj["metadata"].get("labels") or {}
    return str(labels.get("kots.io/app-slug") or ("console" if "kots.io/kotsadm" in labels else "nobody"))


def name_of(obj: Object) -> str:
    """Its name."""
    return str(obj["metadata"]["name"])
