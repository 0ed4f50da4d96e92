"""Kubernetes objects for tests, as an API server would serve them."""

from typing import Any

from schemas.kubernetes import Object

VELERO = {"kots.io/backup": "velero"}


def make(kind: str, name: str, namespace: str | None = None, api: str = "v1", **rest: Any) -> Object:
    """An object; `labels`, `annotations`, `owners` and `uid` go into its metadata, the rest is its body."""
    metadata: dict[str, Any] = {"name": name, "uid": rest.pop("uid", f"uid-{kind}-{namespace}-{name}".lower())}
    if namespace:
        metadata["namespace"] = namespace
    for key, field in (("labels", "labels"), ("annotations", "annotations"), ("owners", "ownerReferences")):
        if key in rest:
            metadata[field] = rest.pop(key)
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def owner(obj: Object) -> dict[str, Any]:
    """A reference to the controller `obj`."""
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
    }


def pod(name: str, namespace: str = "shop", phase: str = "Running", **rest: Any) -> Object:
    """A pod on node-a whose container mounts all `volumes`: name -> definition without its name."""
    volumes = [{"name": volume, **definition} for volume, definition in rest.pop("volumes", {}).items()]
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    spec: dict[str, Any] = {
        "nodeName": "node-a",
        "serviceAccountName": "default",
        "containers": [{"name": "main", "image": "busybox", "volumeMounts": mounts}],
        "volumes": volumes,
        **rest.pop("spec", {}),
    }
    return make("Pod", name, namespace, spec=spec, status={"phase": phase, **rest.pop("status", {})}, **rest)


def on_claim(claim: str) -> dict[str, Any]:
    """A pod's volume that is a claim."""
    return {"persistentVolumeClaim": {"claimName": claim}}


def opted_in(*volumes: str) -> dict[str, str]:
    """The annotation that has volumes copied."""
    return {"backup.velero.io/backup-volumes": ",".join(volumes)}


def claim(name: str, namespace: str = "shop", volume: str | None = None, **rest: Any) -> Object:
    """A bound claim; the volume is called pv-<name>, if nothing else."""
    spec = {"accessModes": ["ReadWriteOnce"], "volumeName": volume or f"pv-{name}", **rest.pop("spec", {})}
    return make("PersistentVolumeClaim", name, namespace, spec=spec, status={"phase": "Bound"}, **rest)


def volume(name: str, of: Object | None = None, reclaim: str = "Delete", **rest: Any) -> Object:
    """A provisioned volume, bound to the claim `of`."""
    spec: dict[str, Any] = {"persistentVolumeReclaimPolicy": reclaim, **rest.pop("spec", {})}
    if of:
        reference = {key: of["metadata"][key] for key in ("namespace", "name", "uid")}
        spec["claimRef"] = {"kind": of["kind"], "resourceVersion": "7", **reference}
    annotations = {"pv.kubernetes.io/provisioned-by": "example.com/disk", **rest.pop("annotations", {})}
    return make("PersistentVolume", name, spec=spec, annotations=annotations, status={"phase": "Bound"}, **rest)


def definition(plural: str, kind: str, group: str, **rest: Any) -> Object:
    """A CustomResourceDefinition of a namespaced kind."""
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": plural, "kind": kind},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    }
    api = "apiextensions.k8s.io/v1"
    return make("CustomResourceDefinition", f"{plural}.{group}", api=api, spec=spec, **rest)


def away(group: str, version: str = "v1") -> Object:
    """An APIService whose service is not there: nothing of the group answers."""
    spec = {"group": group, "version": version, "service": {"namespace": "nowhere", "name": "nobody"}}
    return make("APIService", f"{version}.{group}", api="apiregistration.k8s.io/v1", spec=spec)


def titles(objects: list[Object]) -> list[str]:
    """`Kind/name` of each."""
    return [f"{obj['kind']}/{obj['metadata']['name']}" for obj in objects]
