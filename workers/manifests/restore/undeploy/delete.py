"""Deletes what was chosen, phase by phase. Safe to run again: what was made anew has another uid, and stays."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from schemas.errors import NotFound
from schemas.kubernetes import Object, ResourceType
from schemas.records import LiveRef, Undeploy
from workers.manifests.kube.objects import CLAIM, is_going, kind_of
from workers.manifests.restore.rebind import hold_volume
from workers.ports import Cluster


@dataclass(frozen=True)
class Left:
    """What is still there after it was deleted."""

    ref: LiveRef
    finalizers: tuple[str, ...]

    def __str__(self) -> str:
        return self.ref.title + (f" ({', '.join(self.finalizers)})" if self.finalizers else "")


def release(refs: Iterable[LiveRef], fixed: Undeploy, cluster: Cluster) -> None:
    """Takes the owners that are deleted off the objects that stay, or the garbage collector would take these, too."""
    types = _types(cluster)
    doomed = {ref.uid for ref in fixed.objects}
    for ref in refs:
        if live := _live(cluster, types, ref):
            owners = live["metadata"].get("ownerReferences") or []
            kept = [owner for owner in owners if owner["uid"] not in doomed]
            if kept != owners:
                patch = {"metadata": {"ownerReferences": kept or None}}
                cluster.patch(types.known[ref.group_resource], ref.namespace, ref.name, patch)


def delete_in_phases(refs: list[LiveRef], cluster: Cluster) -> list[Left]:
    """Asks for deletion, phase by phase. Returns what is left of the first phase that is not gone yet."""
    types = _types(cluster)
    for phase in sorted({ref.phase for ref in refs}):
        if left := list(_delete([ref for ref in refs if ref.phase == phase], types, cluster)):
            return left
    return []


def still_there(refs: Iterable[LiveRef], cluster: Cluster) -> list[Left]:
    """Those of `refs` that are being deleted, but will not go."""
    types = _types(cluster)
    return [_left(ref, live) for ref in refs if (live := _live(cluster, types, ref)) and is_going(live)]


@dataclass(frozen=True)
class _Types:
    """Kinds by Velero's names, and the API groups of which nobody can say just now what they have."""

    known: dict[str, ResourceType]
    unreadable: Collection[str]

    def hides(self, ref: LiveRef) -> bool:
        """Whether the object may be there, though its kind is not known."""
        return ref.group_resource not in self.known and ref.group_resource.partition(".")[2] in self.unreadable


def _types(cluster: Cluster) -> _Types:
    found = cluster.discover()
    return _Types({type_.group_resource: type_ for type_ in found.types}, found.unreadable.keys())


def _delete(refs: list[LiveRef], types: _Types, cluster: Cluster) -> Iterator[Left]:
    """Asks for the deletion of each; yields those that are still there, or may be."""
    for ref in refs:
        if types.hides(ref):
            yield Left(ref, ("its API group does not answer",))
        live = _live(cluster, types, ref)
        if live and not is_going(live):
            if kind_of(live) == CLAIM:
                hold_volume(cluster, live)
            cluster.delete(types.known[ref.group_resource], ref.namespace, ref.name, uid=ref.uid)
            live = _live(cluster, types, ref)
        if live:
            yield _left(ref, live)


def _left(ref: LiveRef, live: Object) -> Left:
    return Left(ref, tuple(live["metadata"].get("finalizers") or ()))


def _live(cluster: Cluster, types: _Types, ref: LiveRef) -> Object | None:
    """The live object, if it is still the one that was chosen."""
    if (type_ := types.known.get(ref.group_resource)) is None:
        return None
    try:
        live = cluster.get(type_, ref.namespace, ref.name)
    except NotFound:
        return None
    return live if live["metadata"]["uid"] == ref.uid else None
