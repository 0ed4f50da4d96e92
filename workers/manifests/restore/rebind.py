"""Claims and the volumes that they had: which get them back, and what a volume made anew is given of the old one.

A volume that people made (no provisioner would make another) goes back to its claim: it keeps its reservation by name,
and the claim keeps its volume's name. Any other volume is made anew.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping

from schemas.errors import Code, NotFound, PermanentError
from schemas.kubernetes import CLAIMS, VOLUMES, Object
from schemas.messages import Message
from workers.manifests.kube.objects import CLAIM, VOLUME, Name, annotations_of, kind_of, labels_of, name_of, spec_of
from workers.manifests.restore.sanitise.storage import KEEPS_VOLUME, is_hand_made
from workers.ports import Cluster

PLACES = ("topology", "failure-domain")
"""Parts of label keys that say where a volume is; the new one has its own."""
OURS = "velero.io/"

FindVolume = Callable[[str], Object | None]


def find_volume(cluster: Cluster) -> FindVolume:
    """Looks volumes up by name."""

    def find(name: str) -> Object | None:
        try:
            return cluster.get(VOLUMES, None, name)
        except NotFound:
            return None

    return find


def rebinding(objects: Iterable[Object], find: FindVolume) -> dict[Name, str]:
    """The captured claims that get back the volume that people made for them, with the volume's name.

    The volume may be in the backup; or be there, reserved for the claim."""
    objects = list(objects)
    captured = {name_of(obj)[1]: obj for obj in objects if kind_of(obj) == VOLUME}
    rebound = {}
    for claim in objects:
        if kind_of(claim) == CLAIM and (name := spec_of(claim).get("volumeName")):
            volume = captured.get(name) or find(name)
            if volume and is_hand_made(volume) and claim_of(volume) in (name_of(claim), None):
                rebound[name_of(claim)] = name
    return rebound


def with_volumes(objects: Iterable[Object], refilled: Iterable[Name], rebound: Mapping[Name, str]) -> list[Object]:
    """`objects`, with claims that know their volumes where they are `rebound`, and without the volumes of claims that
    are refilled and not rebound: these get new ones, whatever the reclaim policy; the old ones are left alone."""
    anew = set(refilled) - rebound.keys()
    kept = (obj for obj in objects if kind_of(obj) != VOLUME or claim_of(obj) not in anew)
    return [_knowing(obj) if kind_of(obj) == CLAIM and name_of(obj) in rebound else obj for obj in kept]


def free_volumes(cluster: Cluster, rebound: Mapping[Name, str]) -> None:
    """Lets go of what is bound to a claim that is gone, so that the claim of the same name can have it."""
    find = find_volume(cluster)
    for claim, name in rebound.items():
        volume = find(name)
        uid = (spec_of(volume).get("claimRef") or {}).get("uid") if volume else None
        if volume and uid and claim_of(volume) == claim and uid != _uid(cluster, claim):
            reserved = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
            cluster.patch(VOLUMES, None, name, reserved)


def hold_volume(cluster: Cluster, claim: Object) -> None:
    """Before the live `claim` is deleted: what people made must not go with it."""
    name = str(spec_of(claim).get("volumeName") or "")
    volume = find_volume(cluster)(name) if name else None
    if volume and is_hand_made(volume) and spec_of(volume).get("persistentVolumeReclaimPolicy") != "Retain":
        cluster.patch(VOLUMES, None, name, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})


def give_back(cluster: Cluster, objects: Iterable[Object], claims: Iterable[Name]) -> Iterator[Message]:
    """Gives the volumes that `claims` are bound to by now the reclaim policy and the labels of the captured ones;
    yields what could not be done."""
    captured = {claim_of(obj): obj for obj in objects if kind_of(obj) == VOLUME}
    for claim in claims:
        if old := captured.get(claim):
            try:
                _give_back(cluster, old, claim)
            except PermanentError as error:
                text = f"the volume of claim {'/'.join(claim)} has not got its reclaim policy and labels back: {error}"
                yield Message(code=Code.DIFFERS, text=text, subject="/".join(claim))


def claim_of(volume: Object) -> Name | None:
    """The claim that a volume is bound to or reserved for."""
    reference = spec_of(volume).get("claimRef")
    return (reference.get("namespace") or "", reference["name"]) if reference else None


def _give_back(cluster: Cluster, old: Object, claim: Name) -> None:
    name = spec_of(cluster.get(CLAIMS, *claim)).get("volumeName")
    if not name:
        return
    new = cluster.get(VOLUMES, None, name)
    patch: Object = {}
    policy = spec_of(old).get("persistentVolumeReclaimPolicy")
    if policy and policy != spec_of(new).get("persistentVolumeReclaimPolicy"):
        patch["spec"] = {"persistentVolumeReclaimPolicy": policy}
    if labels := {key: value for key, value in labels_of(old).items() if _is_missed(key, new)}:
        patch["metadata"] = {"labels": labels}
    if patch:
        cluster.patch(VOLUMES, None, name, patch)


def _is_missed(key: str, new: Object) -> bool:
    return key not in labels_of(new) and not key.startswith(OURS) and not any(part in key for part in PLACES)


def _uid(cluster: Cluster, claim: Name) -> str | None:
    try:
        return str(cluster.get(CLAIMS, *claim)["metadata"]["uid"])
    except NotFound:
        return None


def _knowing(claim: Object) -> Object:
    new = copy.deepcopy(claim)
    new["metadata"]["annotations"] = {**annotations_of(claim), KEEPS_VOLUME: "true"}
    return new
