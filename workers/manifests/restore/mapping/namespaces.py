"""Captured objects under other namespaces. Whoever reads what was captured gets them so, and nobody after that sees the
namespaces that they came from: what is there is neither looked at nor touched."""

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schemas.kubernetes import Object
from schemas.records import RestoreRequest, VolumeRecord
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import CLAIM, NAMESPACE, SERVICE, VOLUME, Kind, kind_of, name_of, spec_of, uid_of
from workers.manifests.restore.mapping import trial

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LONGEST = 63
RBAC = "rbac.authorization.k8s.io"
BINDINGS: tuple[Kind, ...] = ((RBAC, "RoleBinding"), (RBAC, "ClusterRoleBinding"))


def mapping_of(objects: Iterable[Object], request: RestoreRequest) -> dict[str, str]:
    """By the namespace of captured `objects`, the one into which they are restored, where that is another one."""
    if request.test is None:
        return request.namespace_mapping
    names = sorted({_where(obj) for obj in objects if trial.is_restored(obj, request.test)} - {""})
    base = request.test.namespace
    return {name: base if len(names) == 1 else _joined(base, name) for name in names}


def moved(captured: Captured, request: RestoreRequest) -> Captured:
    """What is captured, as the restore has it: where it goes, and on trial without what would get at others."""
    mapping = mapping_of(captured.objects, request)
    if not mapping:
        return captured
    objects, owners = list[Object](), dict[str, list[str]]()
    for obj in captured.objects:
        if request.test is not None and not trial.is_restored(obj, request.test):
            continue
        if kind_of(obj) == VOLUME and _reserved_for(obj) in mapping:
            continue  # its claim gets a new one
        new = _moved(obj, mapping)
        if request.test is not None:
            trial.tame(new, request.name)
        objects.append(new)
        owners[uid_of(new)] = captured.owners_of(obj)
    if request.test is not None:
        there = {name_of(obj)[1] for obj in objects if kind_of(obj) == NAMESPACE}
        objects += [trial.namespace(name, request.name) for name in sorted({*mapping.values()} - there)]
    return replace(captured, objects=objects, owners=owners)


def volumes_moved(volumes: Sequence[VolumeRecord], mapping: Mapping[str, str]) -> list[VolumeRecord]:
    """The volumes of the backup, each in the namespace into which it is restored."""
    return [
        volume.model_copy(update={"namespace": mapping.get(volume.namespace, volume.namespace)}) for volume in volumes
    ]


def _where(obj: Object) -> str:
    namespace, name = name_of(obj)
    return name if kind_of(obj) == NAMESPACE else namespace


def _moved(obj: Object, mapping: Mapping[str, str]) -> Object:
    new = copy.deepcopy(obj)
    metadata, kind = new["metadata"], kind_of(obj)
    if kind == NAMESPACE:
        metadata["name"] = mapping.get(metadata["name"], metadata["name"])
    elif metadata.get("namespace") in mapping:
        metadata["namespace"] = mapping[metadata["namespace"]]
        _free(new, kind)
    if kind in BINDINGS:
        for subject in new.get("subjects") or []:
            if subject.get("namespace") in mapping:
                subject["namespace"] = mapping[subject["namespace"]]
    return new


def _free(obj: Object, kind: Kind) -> None:
    """Takes away what only one can have, and the object in its old namespace does: a volume, ports of the nodes."""
    spec = obj.get("spec") or {}
    if kind == CLAIM:
        spec.pop("volumeName", None)
        spec.pop("selector", None)
    elif kind == SERVICE:
        (obj["metadata"].get("annotations") or {}).pop(LAST_APPLIED, None)
        obj["metadata"].pop("managedFields", None)
        spec.pop("healthCheckNodePort", None)
        for port in spec.get("ports") or []:
            port.pop("nodePort", None)


def _reserved_for(volume: Object) -> str:
    return str((spec_of(volume).get("claimRef") or {}).get("namespace") or "")


def _joined(base: str, name: str) -> str:
    """A name for each of several namespaces; shortened, it stays another one for another `name`."""
    whole = f"{base}-{name}"
    if len(whole) <= LONGEST:
        return whole
    return f"{whole[: LONGEST - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
