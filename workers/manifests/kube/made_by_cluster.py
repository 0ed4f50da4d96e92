"""Objects that every cluster makes by itself: there is no need to capture them, and no use in deleting them."""

from schemas.kubernetes import Object
from workers.manifests.kube.objects import kind_of, labels_of, name_of

BOOTSTRAP = "kubernetes.io/bootstrapping"
"""Label of the roles that every API server makes for itself."""
ROOT_CERTIFICATES = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})
"""ConfigMaps that the cluster puts into every namespace."""


def is_made_by_cluster(obj: Object) -> bool:
    """Whether the cluster puts the object into every namespace."""
    return kind_of(obj) == ("", "ConfigMap") and name_of(obj)[1] in ROOT_CERTIFICATES


def is_bootstrap_role(obj: Object) -> bool:
    """Whether the API server makes the role when it starts."""
    return BOOTSTRAP in labels_of(obj)
