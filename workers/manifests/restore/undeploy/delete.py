"""Deletes what was chosen, phase by phase. Safe to run again: what was made anew has another uid, and stays."""

from collections.abc import Iterator

from schemas.errors import NotFound
from schemas.kubernetes import Object, ResourceType
from schemas.records import LiveRef, Undeploy
from workers.manifests.kube.objects import CLAIM, kind_of
from workers.manifests.restore.rebind import hold_volume
from workers.ports import Cluster


def release(fixed: Undeploy, cluster: Cluster) -> None:
    """Takes the owners that are deleted off the objects that stay, or the garbage collector would take these, too."""
    types = _types(cluster)
    doomed = {ref.uid for ref in fixed.objects}
    for ref in fixed.released:
        type_ = types.get(ref.group_resource)
        if type_ is None or not (live := _live(cluster, type_, ref)):
            continue
        owners = live["metadata"].get("ownerReferences") or []
        kept = [owner for owner in owners if owner["uid"] not in doomed]
        if kept != owners:
            cluster.patch(type_, ref.namespace, ref.name, {"metadata": {"ownerReferences": kept or None}})


def delete_in_phases(fixed: Undeploy, cluster: Cluster) -> list[str]:
    """Asks for deletion, phase by phase; what is left of the first phase that is not gone yet, for people to read."""
    types = _types(cluster)
    for phase in sorted({ref.phase for ref in fixed.objects}):
        if left := list(_delete([ref for ref in fixed.objects if ref.phase == phase], types, cluster)):
            return left
    return []


def _types(cluster: Cluster) -> dict[str, ResourceType]:
    return {type_.group_resource: type_ for type_ in cluster.resource_types()}


def _delete(refs: list[LiveRef], types: dict[str, ResourceType], cluster: Cluster) -> Iterator[str]:
    """Asks for the deletion of each; yields those that are still there."""
    for ref in refs:
        type_ = types.get(ref.group_resource)
        if type_ is None or not (live := _live(cluster, type_, ref)):
            continue
        if "deletionTimestamp" not in live["metadata"]:
            if kind_of(live) == CLAIM:
                hold_volume(cluster, live)
            cluster.delete(type_, ref.namespace, ref.name, uid=ref.uid)
            if not _live(cluster, type_, ref):
                continue
        finalizers = ", ".join(live["metadata"].get("finalizers") or [])
        yield ref.title + (f" ({finalizers})" if finalizers else "")


def _live(cluster: Cluster, type_: ResourceType, ref: LiveRef) -> Object | None:
    """The live object, if it is still the one that was chosen."""
    try:
        live = cluster.get(type_, ref.namespace, ref.name)
    except NotFound:
        return None
    return live if live["metadata"]["uid"] == ref.uid else None
