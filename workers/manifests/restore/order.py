"""The order in which a restore creates objects: Velero's, but custom resources and webhooks last.

A webhook that is there before the workload behind it would refuse everything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.kubernetes import Object, ResourceType
from workers.manifests.kube.objects import DEFINITION, POD, Kind, kind_of, spec_of

RBAC = "rbac.authorization.k8s.io"
SNAPSHOT = "snapshot.storage.k8s.io"

BEFORE_PODS: tuple[Kind, ...] = (
    DEFINITION,
    ("", "Namespace"),
    ("storage.k8s.io", "StorageClass"),
    (SNAPSHOT, "VolumeSnapshotClass"),
    (SNAPSHOT, "VolumeSnapshotContent"),
    (SNAPSHOT, "VolumeSnapshot"),
    ("velero.io", "DataUpload"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    (RBAC, "ClusterRole"),
    (RBAC, "Role"),
    ("", "ServiceAccount"),
    (RBAC, "ClusterRoleBinding"),
    (RBAC, "RoleBinding"),
    ("", "Secret"),
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("scheduling.k8s.io", "PriorityClass"),
)
"""Velero's high priorities up to pods: what pods need."""

HIGH: tuple[Kind, ...] = (
    *BEFORE_PODS,
    POD,
    ("apps", "ReplicaSet"),
    ("cluster.x-k8s.io", "ClusterClass"),
    ("", "Endpoints"),
    ("", "Service"),
)
LOW: tuple[Kind, ...] = (
    ("run.tanzu.vmware.com", "ClusterBootstrap"),
    ("cluster.x-k8s.io", "Cluster"),
    ("addons.cluster.x-k8s.io", "ClusterResourceSet"),
    ("kappctrl.k14s.io", "App"),
    ("packaging.carvel.dev", "PackageInstall"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
)
"""Velero's low priorities, and webhooks."""


@dataclass(frozen=True)
class Waves:
    """Restore order cut in two: what pods need, then pods and the rest. Volumes are filled in between."""

    before: list[Object]
    after: list[Object]


def ordered(objects: Iterable[Object], types: Iterable[ResourceType]) -> list[Object]:
    """In restore order. `types` are the live kinds; a kind that is not among them yet is found by its definition.

    Within a kind the given order stays, so that a Backup's `orderedResources` go first."""
    objects = list(objects)
    plurals = _plurals(objects) | {(type_.group, type_.kind): type_.plural for type_ in types}
    custom = set(_plurals(objects))
    return sorted(objects, key=lambda obj: _place(kind_of(obj), plurals, custom))


def waves(objects: Iterable[Object]) -> Waves:
    """The two waves of objects that are in restore order."""
    objects = list(objects)
    early = frozenset(BEFORE_PODS)
    return Waves(
        before=[obj for obj in objects if kind_of(obj) in early],
        after=[obj for obj in objects if kind_of(obj) not in early],
    )


def is_custom(kind: Kind, defined: Iterable[Kind] = ()) -> bool:
    """Whether objects of the kind are custom resources: of a captured definition, or of a group that is not
    Kubernetes' own."""
    group = kind[0]
    return kind in defined or ("." in group and not group.endswith(".k8s.io"))


def _place(kind: Kind, plurals: dict[Kind, str], custom: set[Kind]) -> tuple[int, int, str]:
    if kind in HIGH:
        return (0, HIGH.index(kind), "")
    if kind in LOW:
        return (3, LOW.index(kind), "")
    plural = plurals.get(kind) or f"{kind[1].lower()}s"
    return (2 if is_custom(kind, custom) else 1, 0, f"{plural}.{kind[0]}")


def _plurals(objects: Iterable[Object]) -> dict[Kind, str]:
    """Plural names of the kinds that captured definitions define."""
    specs = [spec_of(obj) for obj in objects if kind_of(obj) == DEFINITION]
    return {(spec["group"], spec["names"]["kind"]): spec["names"]["plural"] for spec in specs}
