"""Claims and volumes: a volume is the directory `<root>/pv/<volume>`, made for a claim and removed with it.

As on a real cluster, a class with `WaitForFirstConsumer` gets its volume only when the scheduler has chosen
a node for a pod that mounts the claim; a pod that names its node itself skips the scheduler, and waits forever.
"""

import shutil
from pathlib import Path

from deploy.local.emulator.world import DEFAULT_CLASS, PROVISIONER, claims_of, find, patch, present
from schemas.kubernetes import CLAIMS, PODS, STORAGE_CLASSES, VOLUMES, Object
from workers.adapters.twins.cluster import MemoryCluster

SELECTED_NODE = "volume.kubernetes.io/selected-node"
CLAIM_IN_USE = "kubernetes.io/pvc-protection"
VOLUME_IN_USE = "kubernetes.io/pv-protection"


def bind(cluster: MemoryCluster, root: Path) -> None:
    """Gives every claim that may have one its volume: the one it names, a free one, or a new one."""
    for claim in present(cluster, CLAIMS):
        if (claim.get("status") or {}).get("phase") == "Bound":
            continue
        storage = _storage_class(cluster, claim)
        _admit(cluster, claim, storage)
        volume = _existing(cluster, claim)
        if volume is not None:
            _join(cluster, claim, volume)
        elif storage is not None and not claim["spec"].get("volumeName") and _due(claim, storage):
            _provision(cluster, root, claim, storage)


def release(cluster: MemoryCluster, root: Path) -> None:
    """Lets go of deleted claims that no pod uses, and of volumes whose claim is gone."""
    used = {(pod["metadata"]["namespace"], name) for pod in cluster.live(PODS) for name in claims_of(pod).values()}
    for claim in cluster.live(CLAIMS):
        name = (claim["metadata"]["namespace"], claim["metadata"]["name"])
        if "deletionTimestamp" in claim["metadata"] and name not in used:
            _drop_finalizer(cluster, claim, CLAIM_IN_USE)
    uids = {claim["metadata"]["uid"] for claim in cluster.live(CLAIMS)}
    for volume in cluster.live(VOLUMES):
        owner = (volume["spec"].get("claimRef") or {}).get("uid")
        if "deletionTimestamp" in volume["metadata"] and owner not in uids:
            _drop_finalizer(cluster, volume, VOLUME_IN_USE)
        elif owner and owner not in uids:
            _reclaim(cluster, root, volume)


def _admit(cluster: MemoryCluster, claim: Object, storage: Object | None) -> None:
    """What the API server and the binder write on a new claim."""
    finalizers = sorted({*(claim["metadata"].get("finalizers") or []), CLAIM_IN_USE})
    spec = {"storageClassName": storage["metadata"]["name"]} if storage else {}
    patch(cluster, CLAIMS, claim, {"metadata": {"finalizers": finalizers}, "spec": {"volumeMode": "Filesystem"} | spec})
    patch(cluster, CLAIMS, claim, {"status": {"phase": "Pending"}}, status=True)


def _storage_class(cluster: MemoryCluster, claim: Object) -> Object | None:
    wanted = claim["spec"].get("storageClassName")
    for storage in cluster.live(STORAGE_CLASSES):
        is_default = (storage["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
        if storage["metadata"]["name"] == wanted or (wanted is None and is_default):
            return storage
    return None


def _due(claim: Object, storage: Object) -> bool:
    waits = storage.get("volumeBindingMode") == "WaitForFirstConsumer"
    selected = SELECTED_NODE in (claim["metadata"].get("annotations") or {})
    return bool(storage["provisioner"] == PROVISIONER and (selected or not waits))


def _existing(cluster: MemoryCluster, claim: Object) -> Object | None:
    """The volume that claim and volume agree on, or a free one of a class without provisioner."""
    named = claim["spec"].get("volumeName")
    for volume in present(cluster, VOLUMES):
        reference = volume["spec"].get("claimRef")
        free = reference is None and volume["spec"].get("storageClassName") == claim["spec"].get("storageClassName")
        wanted = volume["metadata"]["name"] == named if named else free or reference is not None
        if wanted and (reference is None or _refers(reference, claim)):
            return volume
    return None


def _refers(reference: Object, claim: Object) -> bool:
    metadata = claim["metadata"]
    same_name = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return same_name and reference.get("uid") in (None, metadata["uid"])


def _provision(cluster: MemoryCluster, root: Path, claim: Object, storage: Object) -> None:
    name = f"pvc-{claim['metadata']['uid']}"
    directory = root / "pv" / name
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    spec = {
        "capacity": {"storage": claim["spec"].get("resources", {}).get("requests", {}).get("storage", "1Gi")},
        "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
        "storageClassName": storage["metadata"]["name"],
        "volumeMode": "Filesystem",
        "local": {"path": str(directory)},
        "claimRef": _claim_reference(claim),
    }
    node = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
    if node and "ReadWriteMany" not in spec["accessModes"]:
        spec["nodeAffinity"] = _only(node)
    metadata = {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}}
    volume = cluster.create(VOLUMES, {"metadata": {**metadata, "finalizers": [VOLUME_IN_USE]}, "spec": spec})
    _join(cluster, claim, volume)


def _join(cluster: MemoryCluster, claim: Object, volume: Object) -> None:
    patch(cluster, VOLUMES, volume, {"spec": {"claimRef": _claim_reference(claim)}})
    patch(cluster, VOLUMES, volume, {"status": {"phase": "Bound"}}, status=True)
    annotations = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    provisioner = {"volume.beta.kubernetes.io/storage-provisioner": PROVISIONER}
    change = {
        "metadata": {"annotations": annotations | provisioner},
        "spec": {"volumeName": volume["metadata"]["name"]},
    }
    patch(cluster, CLAIMS, claim, change)
    size = volume["spec"].get("capacity", {})
    status = {"phase": "Bound", "capacity": size, "accessModes": volume["spec"].get("accessModes", [])}
    patch(cluster, CLAIMS, claim, {"status": status}, status=True)


def _reclaim(cluster: MemoryCluster, root: Path, volume: Object) -> None:
    """Delete: directory and volume go. Retain: the volume stays, released, with its data."""
    if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
        patch(cluster, VOLUMES, volume, {"status": {"phase": "Released"}}, status=True)
        return
    directory = root / "pv" / volume["metadata"]["name"]
    if volume["spec"].get("local", {}).get("path") == str(directory):
        shutil.rmtree(directory, ignore_errors=True)
    cluster.delete(VOLUMES, None, volume["metadata"]["name"])


def _drop_finalizer(cluster: MemoryCluster, obj: Object, finalizer: str) -> None:
    left = [name for name in obj["metadata"].get("finalizers") or [] if name != finalizer]
    type_ = CLAIMS if obj["kind"] == "PersistentVolumeClaim" else VOLUMES
    if find(cluster, type_, obj["metadata"].get("namespace"), obj["metadata"]["name"]) is obj:
        patch(cluster, type_, obj, {"metadata": {"finalizers": left or None}})


def _claim_reference(claim: Object) -> Object:
    metadata = claim["metadata"]
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": metadata["uid"]}
    return reference | {"namespace": metadata["namespace"], "name": metadata["name"]}


def _only(node: str) -> Object:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
