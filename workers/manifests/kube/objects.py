"""Looking at Kubernetes objects kept as plain JSON, where any part may be absent or null."""

from collections.abc import Iterable
from typing import Any

from schemas.kubernetes import Object

Kind = tuple[str, str]
"""Group ("" is the core group) and kind: what an object is, whatever the version."""
Name = tuple[str, str]
"""Namespace ("" for cluster-scoped objects) and name."""

POD: Kind = ("", "Pod")
CLAIM: Kind = ("", "PersistentVolumeClaim")
VOLUME: Kind = ("", "PersistentVolume")
NAMESPACE: Kind = ("", "Namespace")
SECRET: Kind = ("", "Secret")
SERVICE: Kind = ("", "Service")
SERVICE_ACCOUNT: Kind = ("", "ServiceAccount")
DEFINITION: Kind = ("apiextensions.k8s.io", "CustomResourceDefinition")

EXCLUDE = "velero.io/exclude-from-backup"
"""With the value `true`, the label of what no backup and no restore may touch."""
APP_SLUG = "kots.io/app-slug"
"""Label, and annotation, of an application's objects."""
KOTSADM = "kots.io/kotsadm"
"""With the value `true`, the label of the admin console's objects."""


def kind_of(obj: Object) -> Kind:
    """Group and kind."""
    group, slash, _ = str(obj.get("apiVersion", "")).rpartition("/")
    return (group if slash else "", obj["kind"])


def name_of(obj: Object) -> Name:
    """Namespace and name."""
    metadata = obj["metadata"]
    return (metadata.get("namespace") or "", metadata["name"])


def uid_of(obj: Object) -> str:
    """The server's identity of the object; for one that was never on a server, its kind and name."""
    uid = obj["metadata"].get("uid")
    return str(uid) if uid else "/".join((*kind_of(obj), *name_of(obj)))


def labels_of(obj: Object) -> dict[str, str]:
    """The labels; do not change them."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    """The annotations; do not change them."""
    return obj["metadata"].get("annotations") or {}


def spec_of(obj: Object) -> dict[str, Any]:
    """The spec; do not change it."""
    return obj.get("spec") or {}


def status_of(obj: Object) -> dict[str, Any]:
    """The status; do not change it."""
    return obj.get("status") or {}


def claims_of(pod: Object) -> dict[str, str]:
    """The pod's volumes that are claims: volume name -> claim name."""
    volumes = spec_of(pod).get("volumes") or []
    return {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")}


def pods_of(objects: Iterable[Object]) -> dict[Name, Object]:
    """The pods among `objects`, by namespace and name."""
    return {name_of(obj): obj for obj in objects if kind_of(obj) == POD}


def controller_of(obj: Object) -> dict[str, Any] | None:
    """The owner reference of the controller that made the object."""
    owners = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def slug_of(obj: Object) -> str | None:
    """The application that the object says it belongs to."""
    return labels_of(obj).get(APP_SLUG) or annotations_of(obj).get(APP_SLUG)


def is_excluded(obj: Object) -> bool:
    """Whether the object asks to be left alone."""
    return labels_of(obj).get(EXCLUDE) == "true"


def is_going(obj: Object) -> bool:
    """Whether the object is being deleted."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def title(obj: Object) -> str:
    """`Deployment shop/web`, for people."""
    namespace, name = name_of(obj)
    return f"{obj['kind']} {namespace}/{name}" if namespace else f"{obj['kind']} {name}"
