"""Looks at an application from outside, so that before and after can be compared: every object, every byte.

Shares nothing with the code that restores but the API adapter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.samples import tree_digest
from schemas.kubernetes import CLAIMS, PODS, Object, ResourceType
from workers.adapters.volume_files import KubeletVolumes
from workers.ports import Cluster

Key = tuple[str, str, str]
"""Kind, namespace ("" for cluster-wide objects), name."""

MADE_BY_CONTROLLERS = {
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "Job",
    "Lease",
    "Node",
    "PersistentVolume",
    "Pod",
    "PodMetrics",
}
"""Kinds whose objects are made anew, with other names or contents. Their volumes and effects are compared instead."""
SERVER_SET = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "generation",
    "selfLink",
    "ownerReferences",
)
NEW_ON_RESTORE = (
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "pv.kubernetes.io/",
    "deployment.kubernetes.io/",
)
RESTORE_LABELS = ("velero.io/backup-name", "velero.io/restore-name")


@dataclass(frozen=True)
class Picture:
    """What was there at one moment. `volumes`: namespace/claim, or namespace/owner/emptyDir -> path -> what it is."""

    objects: Mapping[Key, Object]
    uids: Mapping[Key, str]
    volumes: Mapping[str, Mapping[str, Any]]


def look(cluster: Cluster, namespaces: Iterable[str], kubelet_pods: Mapping[str, Path]) -> Picture:
    """Everything in `namespaces`, and the contents of the volumes of their running pods."""
    inside = set(namespaces)
    objects: dict[Key, Object] = {}
    uids: dict[Key, str] = {}
    for obj in _objects(cluster, inside):
        key = (obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"])
        objects[key], uids[key] = _comparable(obj), obj["metadata"]["uid"]
    volumes = {key: tree_digest(path) for key, path in dict(volume_directories(cluster, inside, kubelet_pods)).items()}
    return Picture(objects, uids, volumes)


def differences(before: Picture, after: Picture) -> list[str]:
    """What is missing, new or different, a line each; none if all is the same."""
    return [
        *_compare(
            "object",
            {"/".join(k): v for k, v in before.objects.items()},
            {"/".join(k): v for k, v in after.objects.items()},
        ),
        *_compare("volume", before.volumes, after.volumes),
    ]


def pods(cluster: Cluster, namespace: str) -> list[Object]:
    """The pods of a namespace."""
    return list(cluster.list(PODS, namespace))


def _objects(cluster: Cluster, namespaces: set[str]) -> Iterator[Object]:
    for type_ in cluster.discover().types:
        if "list" not in type_.verbs or type_.kind in MADE_BY_CONTROLLERS:
            continue
        for obj in cluster.list(type_):
            if _belongs(type_, obj, namespaces):
                yield {"apiVersion": type_.api_version, "kind": type_.kind, **obj}


def _belongs(type_: ResourceType, obj: Object, namespaces: set[str]) -> bool:
    name = obj["metadata"]["name"]
    if type_.kind == "Namespace":
        return name in namespaces
    if type_.namespaced:
        # The API server makes these in every namespace, with data of their own.
        made = name in ("kube-root-ca.crt",) or obj.get("type") == "kubernetes.io/service-account-token"
        return obj["metadata"]["namespace"] in namespaces and not made
    return "kots.io/app-slug" in (obj["metadata"].get("labels") or {})


def _comparable(obj: Object) -> Object:
    """The object without what a server sets, or sets anew."""
    clean = {key: value for key, value in obj.items() if key != "status"}
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVER_SET}
    for field, unwanted in (("labels", RESTORE_LABELS), ("annotations", NEW_ON_RESTORE)):
        kept = {key: value for key, value in (metadata.pop(field, None) or {}).items() if not key.startswith(unwanted)}
        if kept:
            metadata[field] = kept
    if obj["kind"] in ("PersistentVolumeClaim", "Namespace", "CustomResourceDefinition"):
        metadata.pop("finalizers", None)
    clean["metadata"] = metadata
    return _without_addresses(clean)


def _without_addresses(obj: Object) -> Object:
    kind = obj["kind"]
    if kind == "PersistentVolumeClaim":
        obj["spec"] = {key: value for key, value in obj["spec"].items() if key != "volumeName"}
    if kind == "Service" and obj["spec"].get("clusterIP") != "None":
        obj["spec"] = {key: value for key, value in obj["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if kind == "ServiceAccount":
        obj = {key: value for key, value in obj.items() if key != "secrets"}
    return obj


def volume_directories(
    cluster: Cluster, namespaces: set[str], kubelet_pods: Mapping[str, Path]
) -> Iterator[tuple[str, Path]]:
    """`namespace/claim` or `namespace/pod/emptyDir`, and where the files are, for every volume that runs."""
    claims = {(c["metadata"]["namespace"], c["metadata"]["name"]): c for c in cluster.list(CLAIMS)}
    for pod in cluster.list(PODS):
        namespace, node = pod["metadata"]["namespace"], pod["spec"].get("nodeName")
        if namespace not in namespaces or (pod.get("status") or {}).get("phase") != "Running":
            continue
        uid, files = pod["metadata"]["uid"], KubeletVolumes(kubelet_pods[node])
        opted_in = (pod["metadata"].get("annotations") or {}).get("backup.velero.io/backup-volumes", "").split(",")
        for volume in pod["spec"].get("volumes") or []:
            name = volume["name"]
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                yield f"{namespace}/{claim}", files.directory(uid, claims[namespace, claim]["spec"]["volumeName"])
            elif "emptyDir" in volume and name in opted_in:
                yield f"{namespace}/{pod['metadata']['name']}/{name}", files.directory(uid, name)


def _compare(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            yield f"{what} {key} is missing"
        elif key not in before:
            yield f"{what} {key} is new"
        elif before[key] != after[key]:
            yield f"{what} {key} differs: {_first_difference(before[key], after[key])}"


def _first_difference(before: Any, after: Any, path: str = "") -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys(), key=str):
            if key not in after or key not in before or before[key] != after[key]:
                return _first_difference(before.get(key), after.get(key), f"{path}.{key}")
    return f"{path or 'all'} was {before!r:.200}, is {after!r:.200}"
