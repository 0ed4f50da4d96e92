"""Objects that no backup takes, whatever their labels: Snapline's own tools, and what the cluster makes anew."""

from schemas import destination
from schemas.kubernetes import Object
from workers.manifests.kube.objects import (
    annotations_of,
    is_excluded,
    kind_of,
    labels_of,
    name_of,
    spec_of,
    status_of,
)

RESTORE_LABEL = "snapline.dev/restore"
"""Label of the pods that hold claims while they are filled."""
WAIT_CONTAINER = "snapline-wait"
"""Name of the init container that holds a restored pod back until its emptyDirs are filled, and of its own volume."""
FRESH = "snapline.dev/waits"
"""Annotation of a pod between the moment it gets such an init container and its creation. It never reaches the
cluster: a captured pod that has the init container has it from an earlier restore."""
PART_OF = "app.kubernetes.io/part-of"
"""With the value `snapline`, the label of Snapline's own workers: no restore deletes them."""

BOOTSTRAP = "kubernetes.io/bootstrapping"
"""Label of the roles that every API server makes for itself."""
ROOT_CERTIFICATES = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})
"""ConfigMaps that the cluster puts into every namespace."""
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CHANGE_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def is_never_captured(obj: Object, service: Object | None) -> bool:
    """Whether no backup takes the object. `service` is the Service with its name, if there is one."""
    labels = labels_of(obj)
    return (
        is_excluded(obj)
        or RESTORE_LABEL in labels
        or destination.LABEL in labels
        or BOOTSTRAP in labels
        or is_made_by_cluster(obj)
        or _is_generated(obj, service)
        or _was_shut_down(obj)
    )


def is_snaplines(obj: Object) -> bool:
    """Whether the object is part of Snapline, which has to go on while it restores."""
    return labels_of(obj).get(PART_OF) == "snapline" or destination.LABEL in labels_of(obj)


def is_made_by_cluster(obj: Object) -> bool:
    """Whether every cluster makes the object by itself."""
    return kind_of(obj) == ("", "ConfigMap") and name_of(obj)[1] in ROOT_CERTIFICATES


def _is_generated(obj: Object, service: Object | None) -> bool:
    """Endpoints follow from their Service, unless it has no selector: then somebody wrote them."""
    if kind_of(obj) == ("discovery.k8s.io", "EndpointSlice"):
        return MANAGED_BY in labels_of(obj)
    if kind_of(obj) != ("", "Endpoints"):
        return False
    if service is not None:
        return bool(spec_of(service).get("selector"))
    return CHANGE_TRIGGER in annotations_of(obj)


def _was_shut_down(obj: Object) -> bool:
    """Pods that a node's shutdown left behind; KOTS leaves them out as well."""
    status = status_of(obj)
    return kind_of(obj) == ("", "Pod") and (status.get("phase"), status.get("reason")) == ("Failed", "Shutdown")
