"""The namespaces of a test restore: made for it, and removed with all that is in them. Only those that carry its name
are ever removed."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from schemas.errors import AlreadyExists, Code, Invalid, NotFound
from schemas.kubernetes import CLAIMS, NAMESPACES, NETWORK_POLICIES, VOLUMES, Object
from schemas.messages import Message
from schemas.records import RestoreRequest
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import NAMESPACE, is_going, kind_of, labels_of, name_of, spec_of
from workers.manifests.restore.mapping import trial
from workers.manifests.restore.sanitise import sanitise
from workers.manifests.restore.sanitise.storage import is_hand_made
from workers.ports import Cluster


def taken(objects: Iterable[Object], restore: str, cluster: Cluster) -> Message | None:
    """Why a namespace among `objects` cannot be made: it is there, and not of this restore."""
    for obj in objects:
        if kind_of(obj) == NAMESPACE and (live := _find(cluster, name_of(obj)[1])) and not _is_ours(live, restore):
            name = name_of(obj)[1]
            text = f"there is a namespace {name} already; a test restore takes place in one that is made for it"
            return Message(code=Code.CONFLICT, text=text, subject=name)
    return None


def make(objects: Iterable[Object], request: RestoreRequest, cluster: Cluster) -> None:
    """Makes the namespaces among `objects` that are not there, each with its policy before anything else. Raises
    Invalid if somebody else has made one meanwhile."""
    for obj in (each for each in objects if kind_of(each) == NAMESPACE):
        name = name_of(obj)[1]
        with suppress(AlreadyExists):
            cluster.create(NAMESPACES, sanitise(obj, restore=request.name, backup=request.backup) or obj)
        if not _is_ours(cluster.get(NAMESPACES, None, name), request.name):
            raise Invalid(f"namespace {name} was made by somebody else; it is left as it is", subject=name)
        if request.test is not None and not request.test.open_network:
            with suppress(AlreadyExists):
                cluster.create(NETWORK_POLICIES, trial.policy(name, request.name))


def namespaces(restore: str, cluster: Cluster) -> list[Object]:
    """Those that are there of a test restore, also the ones that are going."""
    return list(cluster.list(NAMESPACES, selector=f"{trial.LABEL}={label_value(restore)}"))


def remove(restore: str, cluster: Cluster) -> list[str]:
    """Asks for the deletion of the namespaces of a test restore, and of the volumes that were made for their claims;
    the names of those that are still there."""
    left = []
    for live in namespaces(restore, cluster):
        name = name_of(live)[1]
        left.append(name)
        for volume in _volumes(name, cluster):
            cluster.patch(VOLUMES, None, name_of(volume)[1], {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
        if not is_going(live):
            cluster.delete(NAMESPACES, None, name, uid=live["metadata"]["uid"])
    return left


def _volumes(name: str, cluster: Cluster) -> Iterator[Object]:
    """The volumes that a provisioner has made for claims of the namespace, and that would stay behind."""
    for claim in list(cluster.list(CLAIMS, name)):
        with suppress(NotFound):
            volume = cluster.get(VOLUMES, None, str(spec_of(claim).get("volumeName") or "-"))
            reserved = spec_of(volume).get("claimRef") or {}
            ours = (reserved.get("namespace"), reserved.get("name")) == name_of(claim) and not is_hand_made(volume)
            if ours and spec_of(volume).get("persistentVolumeReclaimPolicy") != "Delete":
                yield volume


def _find(cluster: Cluster, name: str) -> Object | None:
    try:
        return cluster.get(NAMESPACES, None, name)
    except NotFound:
        return None


def _is_ours(live: Object, restore: str) -> bool:
    return labels_of(live).get(trial.LABEL) == label_value(restore)
