"""What an object brings along into a backup, because a restore of it alone would be of no use."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.kubernetes import Object, ResourceType
from workers.manifests.kube.listing import Listing
from workers.manifests.kube.objects import (
    CLAIM,
    POD,
    SERVICE_ACCOUNT,
    Name,
    annotations_of,
    claims_of,
    kind_of,
    labels_of,
    name_of,
    spec_of,
    status_of,
)

RBAC = "rbac.authorization.k8s.io"
BINDINGS = (f"rolebindings.{RBAC}", f"clusterrolebindings.{RBAC}")
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"

HELM_NAME = "meta.helm.sh/release-name"
HELM_NAMESPACE = "meta.helm.sh/release-namespace"
"""Annotations of what Helm has installed."""

Index = dict[Name, list[Object]]


@dataclass(frozen=True)
class Indexes:
    """Live objects that name what brings them along."""

    bindings: Index
    """RoleBindings and ClusterRoleBindings by ServiceAccount."""
    releases: Index
    """Helm's release Secrets by release: without them, Helm would not know what was restored."""


def index(listing: Listing) -> Indexes:
    """The indexes of all that was read."""
    return Indexes(_bindings(listing), _releases(listing))


def _bindings(listing: Listing) -> Index:
    found: Index = defaultdict(list)
    for group_resource in BINDINGS:
        for binding in listing.of(group_resource):
            for subject in binding.get("subjects") or []:
                if subject.get("kind") == "ServiceAccount":
                    namespace = subject.get("namespace") or name_of(binding)[0]
                    found[namespace, subject["name"]].append(binding)
    return found


def _releases(listing: Listing) -> Index:
    found: Index = defaultdict(list)
    for secret in listing.of("secrets"):
        labels = labels_of(secret)
        if labels.get("owner") == "helm" and labels.get("name"):
            found[name_of(secret)[0], labels["name"]].append(secret)
    return found


def related(obj: Object, type_: ResourceType, listing: Listing, indexes: Indexes) -> Iterator[Object]:
    """Live objects that a restore of `obj` needs besides it."""
    for group_resource, namespace, name in named_by(obj, type_):
        if found := listing.find(group_resource, namespace, name):
            yield found
    if kind_of(obj) == SERVICE_ACCOUNT:
        yield from indexes.bindings.get(name_of(obj), [])
    if release := annotations_of(obj).get(HELM_NAME):
        namespace = annotations_of(obj).get(HELM_NAMESPACE) or name_of(obj)[0]
        yield from indexes.releases.get((namespace, release), [])


def named_by(obj: Object, type_: ResourceType) -> Iterator[tuple[str, str, str]]:
    """What the object itself names of these: Velero's name of the kind, namespace, name."""
    namespace, _ = name_of(obj)
    if namespace:
        yield "namespaces", "", namespace
    if kind_of(obj) == POD:
        for claim in claims_of(obj).values():
            yield "persistentvolumeclaims", namespace, claim
        if priority := spec_of(obj).get("priorityClassName"):
            yield "priorityclasses.scheduling.k8s.io", "", priority
    elif kind_of(obj) == CLAIM:
        if status_of(obj).get("phase") == "Bound" and spec_of(obj).get("volumeName"):
            yield "persistentvolumes", "", spec_of(obj)["volumeName"]
    elif type_.group_resource in BINDINGS:
        role = obj.get("roleRef") or {}
        if role.get("kind") == "ClusterRole":
            yield f"clusterroles.{RBAC}", "", role["name"]
        else:
            yield f"roles.{RBAC}", namespace, role.get("name", "")
    if type_.group:
        yield DEFINITIONS, "", type_.group_resource
