"""Objects that no backup takes, whatever their labels say: Snapline's own tools, and what the cluster makes anew."""

from schemas.kubernetes import Object
from workers.manifests.kube.made_by_cluster import is_bootstrap_role, is_made_by_cluster
from workers.manifests.kube.objects import (
    POD,
    annotations_of,
    is_excluded,
    kind_of,
    labels_of,
    spec_of,
    status_of,
)
from workers.manifests.kube.own import RESTORE_LABEL

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
"""Kubernetes' own, which make slices from Services and from Endpoints. Whoever writes slices names somebody else."""
CHANGE_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def is_never_captured(obj: Object, service: Object | None) -> bool:
    """Whether no backup takes the object. `service` is the Service with its name, if there is one."""
    labels = labels_of(obj)
    return (
        is_excluded(obj)
        or RESTORE_LABEL in labels
        or is_bootstrap_role(obj)
        or is_made_by_cluster(obj)
        or _is_generated(obj, service)
        or _was_shut_down(obj)
    )


def _is_generated(obj: Object, service: Object | None) -> bool:
    """Endpoints follow from their Service, unless it has no selector: then somebody wrote them."""
    if kind_of(obj) == ("discovery.k8s.io", "EndpointSlice"):
        return labels_of(obj).get(MANAGED_BY) in CONTROLLERS
    if kind_of(obj) != ("", "Endpoints"):
        return False
    if service is not None:
        return bool(spec_of(service).get("selector"))
    return CHANGE_TRIGGER in annotations_of(obj)


def _was_shut_down(obj: Object) -> bool:
    """Pods that a node's shutdown left behind; KOTS leaves them out as well."""
    status = status_of(obj)
    return kind_of(obj) == POD and (status.get("phase"), status.get("reason")) == ("Failed", "Shutdown")
