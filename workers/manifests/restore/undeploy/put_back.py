"""Puts back what was deleted of an owner whose restore cannot go on."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from schemas.errors import Code, NotFound
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import CLAIM, POD, Kind, Name, kind_of, name_of, status_of, uid_of
from workers.manifests.restore.apply_wave import Outcome, Wave, apply_wave
from workers.manifests.restore.left_to_controllers import left_to_controllers
from workers.manifests.restore.order import ordered
from workers.manifests.restore.rebind import find_volume, free_volumes, rebinding, with_volumes
from workers.manifests.restore.undeploy.untouched import runs
from workers.ports import Cluster


def put_back(was: Captured, owner: str, restore: str, backup: str, cluster: Cluster) -> Outcome:
    """Creates what is gone of the owner's objects in `was`, as it was, without what others of them make. Safe to run
    again. Claims come back with the volumes that people made for them; others come back empty, and that is an error."""
    types = {(type_.group, type_.kind): type_ for type_ in cluster.discover().types}
    mine = [obj for obj in was.objects if owner in was.owners_of(obj)]
    uids, made = {uid_of(obj) for obj in mine}, left_to_controllers(mine)
    gone = [
        obj
        for obj in ordered(mine, types.values())
        if not (kind_of(obj) == POD and name_of(obj) in made)
        and not _is_made(obj, uids)
        and not _is_there(obj, types, cluster)
    ]
    rebound = rebinding(gone, find_volume(cluster))
    free_volumes(cluster, rebound)
    outcome = apply_wave(Wave(restore, backup, with_volumes(gone, (), rebound)), cluster)
    return replace(outcome, errors=[*outcome.errors, *_emptied(gone, rebound)])


def _emptied(gone: Iterable[Object], rebound: Mapping[Name, str]) -> Iterator[Message]:
    for obj in gone:
        if kind_of(obj) == CLAIM and status_of(obj).get("phase") == "Bound" and name_of(obj) not in rebound:
            claim = "/".join(name_of(obj))
            text = f"{claim}: the volume was deleted, and is empty now; only a safety snapshot has what was in it"
            yield Message(code=Code.VOLUME_NOT_RESTORED, text=text, subject=claim)


def _is_made(obj: Object, uids: Collection[str]) -> bool:
    """Whether it runs or is a claim, and another one makes it."""
    owners = obj["metadata"].get("ownerReferences") or []
    return (runs(obj) or kind_of(obj) == CLAIM) and any(owner["uid"] in uids for owner in owners)


def _is_there(obj: Object, types: Mapping[Kind, ResourceType], cluster: Cluster) -> bool:
    """Whether the very object is still there, be it on its way out."""
    if kind_of(obj) not in types:
        return False
    namespace, name = name_of(obj)
    try:
        return uid_of(cluster.get(types[kind_of(obj)], namespace or None, name)) == uid_of(obj)
    except NotFound:
        return False
