"""What would keep captured objects from being created: found before anything is deleted for them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from schemas.kubernetes import SERVICES, STORAGE_CLASSES, Object
from workers.manifests.kube.objects import (
    CLAIM,
    DEFINITION,
    SERVICE,
    VOLUME,
    Kind,
    kind_of,
    name_of,
    spec_of,
    status_of,
    title,
    uid_of,
)
from workers.manifests.restore.rebind import claim_of, find_volume, rebinding
from workers.manifests.restore.sanitise import skip_reason, stripped
from workers.manifests.restore.sanitise.storage import is_hand_made
from workers.manifests.restore.versions import fitted, misfit, served, version_of
from workers.ports import Cluster

STORAGE_CLASS: Kind = ("storage.k8s.io", "StorageClass")
NodePort = tuple[int, str]
"""Number and protocol."""


def conflicts(objects: Iterable[Object], going: Collection[str], cluster: Cluster) -> Iterator[tuple[Object, str]]:
    """The captured objects that could not be created, with the reason; `going` are the uids of what will be deleted."""
    wanted = [obj for obj in objects if not skip_reason(obj)]
    yield from _unknown_kinds(wanted, cluster)
    yield from _missing_classes(wanted, cluster)
    yield from _taken_volumes(wanted, cluster)
    yield from _taken_ports(wanted, going, cluster)


def _unknown_kinds(objects: list[Object], cluster: Cluster) -> Iterator[tuple[Object, str]]:
    found = cluster.discover()
    live = served(found)
    specs = [spec_of(obj) for obj in objects if kind_of(obj) == DEFINITION]
    defined = {(spec["group"], spec["names"]["kind"]): _versions(spec) for spec in specs}
    for obj in objects:
        kind = kind_of(obj)
        if kind[0] in found.unreadable:
            continue
        if kind in live:
            if fitted(obj, live[kind]) is None:
                yield obj, misfit(obj, [type_.version for type_ in live[kind]])
        elif kind not in defined:
            yield obj, f"the cluster does not know {obj['apiVersion']} {obj['kind']}, and the backup does not define it"
        elif version_of(obj) not in defined[kind]:
            yield obj, misfit(obj, defined[kind])


def _versions(spec: Mapping[str, Any]) -> list[str]:
    """Those that a captured definition has served; it is created where there is none."""
    return [version["name"] for version in spec.get("versions") or [] if version.get("served")] or [spec["version"]]


def _missing_classes(objects: list[Object], cluster: Cluster) -> Iterator[tuple[Object, str]]:
    claims = [obj for obj in objects if kind_of(obj) == CLAIM and status_of(obj).get("phase") == "Bound"]
    if not any(spec_of(claim).get("storageClassName") for claim in claims):
        return
    there = {name_of(found)[1] for found in cluster.list(STORAGE_CLASSES)}
    there |= {name_of(obj)[1] for obj in objects if kind_of(obj) == STORAGE_CLASS}
    rebound = rebinding(objects, find_volume(cluster))
    for claim in claims:
        wanted = spec_of(claim).get("storageClassName")
        if wanted and wanted not in there and name_of(claim) not in rebound:
            yield claim, f"there is no StorageClass {wanted}"


def _taken_volumes(objects: list[Object], cluster: Cluster) -> Iterator[tuple[Object, str]]:
    """Volumes that people made, and that other claims have by now."""
    find = find_volume(cluster)
    for obj in objects:
        if kind_of(obj) != VOLUME or not is_hand_made(obj) or not (wanted := claim_of(obj)):
            continue
        live = find(name_of(obj)[1])
        if live and (other := claim_of(live)) and other != wanted:
            yield obj, f"claim {'/'.join(other)} has it now"


def _taken_ports(objects: list[Object], going: Collection[str], cluster: Cluster) -> Iterator[tuple[Object, str]]:
    """Node ports that somebody asked for, and that other Services have by now."""
    wanted = {name_of(obj): obj for obj in objects if kind_of(obj) == SERVICE and any(_ports(stripped(obj)))}
    if not wanted:
        return
    others = [obj for obj in cluster.list(SERVICES) if uid_of(obj) not in going and name_of(obj) not in wanted]
    taken = {port: other for other in others for port in _ports(other)}
    for obj in wanted.values():
        for port in _ports(stripped(obj)):
            if port in taken:
                yield obj, f"node port {port[0]} is taken by {title(taken[port])}"


def _ports(service: Object) -> Iterator[NodePort]:
    spec = spec_of(service)
    for port in spec.get("ports") or []:
        if port.get("nodePort"):
            yield int(port["nodePort"]), port.get("protocol") or "TCP"
    if spec.get("healthCheckNodePort"):
        yield int(spec["healthCheckNodePort"]), "TCP"
