"""What no restore deletes, whatever the backup holds."""

from schemas import application
from schemas.kubernetes import Object
from workers.manifests.kube.made_by_cluster import is_bootstrap_role, is_made_by_cluster
from workers.manifests.kube.objects import (
    DEFINITION,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE_ACCOUNT,
    VOLUME,
    Kind,
    annotations_of,
    is_excluded,
    kind_of,
    labels_of,
    name_of,
)
from workers.manifests.kube.own import is_snaplines
from workers.manifests.kube.service_account_tokens import is_generated_secret

KEEP = "kots.io/keep"
"""Annotation by which a vendor keeps an object."""

UNTOUCHED: frozenset[Kind] = frozenset(
    {
        NAMESPACE,
        DEFINITION,
        VOLUME,
        ("storage.k8s.io", "StorageClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("", "LimitRange"),
        ("", "ResourceQuota"),
        ("", "Endpoints"),
        ("discovery.k8s.io", "EndpointSlice"),
    }
)
"""Others depend on these, or they follow from what is deleted."""

RUNNING_GROUPS = frozenset({"apps", "batch"})
RUNNING_KINDS: frozenset[Kind] = frozenset({POD, ("", "ReplicationController")})


def is_untouched(obj: Object) -> bool:
    """Whether the live object stays: others depend on it, somebody wants it kept, or it is the cluster's or ours."""
    return kind_of(obj) in UNTOUCHED or is_kept(obj) or _is_the_clusters(obj) or _is_ours(obj)


def is_kept(obj: Object) -> bool:
    """Whether a vendor or a user asks to leave it alone."""
    return is_excluded(obj) or annotations_of(obj).get(KEEP) == "true"


def runs(obj: Object) -> bool:
    """Whether it is a pod, or makes pods: as a part of something else it cannot stay behind."""
    return kind_of(obj) in RUNNING_KINDS or kind_of(obj)[0] in RUNNING_GROUPS


def _is_the_clusters(obj: Object) -> bool:
    kind = kind_of(obj)
    return (
        is_made_by_cluster(obj)
        or is_bootstrap_role(obj)
        or (kind == SERVICE_ACCOUNT and name_of(obj)[1] == "default")
        or (kind == SECRET and is_generated_secret(obj))
    )


def _is_ours(obj: Object) -> bool:
    return is_snaplines(obj) or application.LABEL in labels_of(obj)
