"""What an empty cluster holds, and how controllers look at objects."""

from collections.abc import Iterator, Sequence

from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.selector import matcher

PROVISIONER = "snapline.dev/directory"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def founding(nodes: Sequence[str]) -> list[Object]:
    """Namespaces, nodes, and the storage classes `standard` (default), `immediate` and `retain`."""
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in ("default", "kube-system")),
        *map(_node, nodes),
        _storage_class("standard", "WaitForFirstConsumer", "Delete"),
        _storage_class("immediate", "Immediate", "Delete"),
        _storage_class("retain", "WaitForFirstConsumer", "Retain"),
    ]


def _node(name: str) -> Object:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "emulated"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def _storage_class(name: str, binding: str, reclaim: str) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {DEFAULT_CLASS: "true"} if name == "standard" else {}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": reclaim,
        "volumeBindingMode": binding,
    }


def present(cluster: MemoryCluster, type_: ResourceType) -> Iterator[Object]:
    """The objects of a kind that are not going away."""
    return (obj for obj in cluster.live(type_) if "deletionTimestamp" not in obj["metadata"])


def find(cluster: MemoryCluster, type_: ResourceType, namespace: str | None, name: str) -> Object | None:
    """One object, going away or not."""
    for obj in cluster.live(type_):
        if obj["metadata"]["name"] == name and obj["metadata"].get("namespace") == namespace:
            return obj
    return None


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a workload's `selector` (matchLabels, matchExpressions) takes an object with `labels`."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for term in selector.get("matchExpressions") or []:
        values = f"({','.join(term.get('values') or [])})"
        forms = {"Exists": "{key}", "DoesNotExist": "!{key}"}
        form = forms.get(term["operator"], "{key} {operator} {values}")
        terms.append(form.format(key=term["key"], operator=term["operator"].lower(), values=values))
    return bool(terms) and matcher(",".join(terms))(labels)


def claims_of(pod: Object) -> dict[str, str]:
    """Pod volume name -> name of the claim it mounts."""
    volumes = pod["spec"].get("volumes") or []
    return {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}


def patch(cluster: MemoryCluster, type_: ResourceType, obj: Object, change: Object, *, status: bool = False) -> None:
    """Merges `change` into `obj`; no write if it changes nothing."""
    metadata = obj["metadata"]
    cluster.patch(type_, metadata.get("namespace"), metadata["name"], change, status=status)
