"""Who owns what: adoption by controllers, and removal of what has lost all its owners."""

from collections.abc import Iterator

from deploy.local.emulator.world import patch, present, selects
from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.cluster import MemoryCluster


def reference(owner: Object) -> Object:
    """The ownerReference that makes `owner` the controller of an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def claimed(cluster: MemoryCluster, type_: ResourceType, owner: Object) -> list[Object]:
    """The objects of `type_` that `owner` controls; orphans that its selector takes are adopted first."""
    return [obj for obj in _selected(cluster, type_, owner) if _is_owners(cluster, type_, obj, owner)]


def _selected(cluster: MemoryCluster, type_: ResourceType, owner: Object) -> Iterator[Object]:
    for obj in present(cluster, type_):
        here = obj["metadata"]["namespace"] == owner["metadata"]["namespace"]
        if here and selects(owner["spec"]["selector"], obj["metadata"].get("labels") or {}):
            yield obj


def _is_owners(cluster: MemoryCluster, type_: ResourceType, obj: Object, owner: Object) -> bool:
    references = obj["metadata"].get("ownerReferences") or []
    controller = next((entry for entry in references if entry.get("controller")), None)
    if controller is not None:
        return bool(controller["uid"] == owner["metadata"]["uid"])
    patch(cluster, type_, obj, {"metadata": {"ownerReferences": [*references, reference(owner)]}})
    return True


def collect(cluster: MemoryCluster) -> None:
    """Deletes, in the background as it were, every object all of whose owners are gone."""
    everything = [(type_, obj) for type_ in cluster.types() for obj in cluster.live(type_)]
    uids = {obj["metadata"]["uid"] for _, obj in everything}
    for type_, obj in everything:
        owners = obj["metadata"].get("ownerReferences") or []
        if owners and not any(entry["uid"] in uids for entry in owners):
            cluster.delete(type_, obj["metadata"].get("namespace"), obj["metadata"]["name"])
