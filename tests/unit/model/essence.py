"""What of an object matters when it is compared with what it was."""

from typing import Any

from schemas.kubernetes import Object

SERVERS = ("uid", "resourceVersion", "creationTimestamp", "generation", "ownerReferences", "managedFields")
MARKS = ("velero.io/backup-name", "velero.io/restore-name")
BINDING = ("pv.kubernetes.io/", "volume.beta.kubernetes.io/", "volume.kubernetes.io/")
WAITING = "snapline-wait"


def essence(obj: Object) -> Any:
    """What a restore should bring back: without what servers, controllers and restores set."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in (*SERVERS, "deletionTimestamp")}
    metadata.pop("deletionGracePeriodSeconds", None)
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in MARKS}
    annotations = metadata.get("annotations") or {}
    metadata["labels"] = labels
    metadata["annotations"] = {key: value for key, value in annotations.items() if not key.startswith(BINDING)}
    finalizers = metadata.get("finalizers") or []
    metadata["finalizers"] = [name for name in finalizers if not name.startswith("kubernetes.io/")]
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": metadata, "spec": _spec(obj)}


def unchanged(obj: Object) -> Any:
    """What nobody else may change: all but what its controllers report."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVERS[1:]}
    return {key: value for key, value in obj.items() if key != "status"} | {"metadata": metadata}


def _spec(obj: Object) -> Any:
    spec = dict(obj.get("spec") or {})
    if obj["kind"] == "Pod":
        for field in ("nodeName", "hostname"):
            spec.pop(field, None)
        if spec.get("serviceAccountName") == "default":
            del spec["serviceAccountName"]
        for field in ("initContainers", "volumes"):
            spec[field] = [each for each in spec.get(field) or [] if each["name"] != WAITING]
    if obj["kind"] == "PersistentVolumeClaim":
        spec.pop("volumeName", None)
    if obj["kind"] == "Namespace":
        spec = {}
    return spec
