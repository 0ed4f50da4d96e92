"""What a safety snapshot takes: what a restore is about to delete, and what has to be there for it to come back."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from schemas.errors import NotFound
from schemas.kubernetes import Object, ResourceType
from workers.manifests.capture.document import Captured
from workers.manifests.capture.left_out import is_never_captured
from workers.manifests.capture.related import DEFINITIONS, named_by
from workers.manifests.capture.volume_plan import mounted_claims
from workers.manifests.kube.objects import CLAIM, POD, kind_of, name_of, uid_of
from workers.ports import Cluster

BROUGHT = ("namespaces", "persistentvolumes", DEFINITIONS)
"""Velero's names of the kinds that come along. A restore deletes none of these, but a disaster may."""


def replaced(was: Captured, cluster: Cluster) -> Captured:
    """The objects of `was`, what is about to be deleted, but for what no backup takes, and those that they bring."""
    types = {(type_.group, type_.kind): type_ for type_ in cluster.discover().types}
    objects = [obj for obj in was.objects if kind_of(obj) in types and not is_never_captured(obj, None)]
    brought = defaultdict[tuple[str, str], set[str]](set)
    for obj in objects:
        for group_resource, _, name in _brings(obj, types[kind_of(obj)]):
            brought[group_resource, name].update(was.owners_of(obj))
    found = dict(_found(brought, list(types.values()), cluster))
    return Captured(
        objects=[*objects, *found.values()],
        owners={uid_of(obj): list(was.owners_of(obj)) for obj in objects}
        | {uid_of(obj): sorted(brought[place]) for place, obj in found.items()},
    )


def loose_claims(captured: Captured, filled: Collection[str]) -> list[Object]:
    """The claims among `filled` (`<namespace>/<name>`) that none of the captured pods mounts just now."""
    mounted = mounted_claims(obj for obj in captured.objects if kind_of(obj) == POD)
    claims = [obj for obj in captured.objects if kind_of(obj) == CLAIM and "/".join(name_of(obj)) in filled]
    return [claim for claim in claims if name_of(claim) not in mounted]


def _brings(obj: Object, type_: ResourceType) -> Iterator[tuple[str, str, str]]:
    return (named for named in named_by(obj, type_) if named[0] in BROUGHT)


def _found(
    wanted: Collection[tuple[str, str]], types: Collection[ResourceType], cluster: Cluster
) -> Iterator[tuple[tuple[str, str], Object]]:
    """Those that are there. None of these kinds has a namespace."""
    known = {type_.group_resource: type_ for type_ in types}
    for group_resource, name in sorted(wanted):
        if group_resource in known:
            try:
                yield (group_resource, name), cluster.get(known[group_resource], None, name)
            except NotFound:
                continue
