"""Which kinds of objects a backup takes: Velero's include and exclude lists, and what is never captured."""

from dataclasses import dataclass

from schemas.velero import ALL, BackupSpec
from workers.ports import ResourceType

VERBS = frozenset({"list", "create", "get", "delete"})
"""A kind that lacks one of these cannot be restored; metrics and reviews do."""

NEVER = frozenset(
    {
        "nodes",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "csinodes.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "componentstatuses",
        "volumesnapshots.snapshot.storage.k8s.io",
        "volumesnapshotcontents.snapshot.storage.k8s.io",
        "ciliumendpoints.cilium.io",
        "ciliumidentities.cilium.io",
        "ciliumnodes.cilium.io",
        "backups.velero.io",
        "restores.velero.io",
        "resticrepositories.velero.io",
        "backuprepositories.velero.io",
        "podvolumebackups.velero.io",
        "podvolumerestores.velero.io",
        "deletebackuprequests.velero.io",
        "downloadrequests.velero.io",
        "serverstatusrequests.velero.io",
        "datauploads.velero.io",
        "datadownloads.velero.io",
    }
)
"""State of the cluster itself, or of a backup tool: of no use in another cluster, or at another time."""


def capturable(types: list[ResourceType]) -> list[ResourceType]:
    """The kinds that a backup looks at. Of kinds that two groups serve, the one in `extensions` comes last."""
    kept = (type_ for type_ in types if type_.group_resource not in NEVER and (type_.verbs or VERBS) >= VERBS)
    return sorted(kept, key=lambda type_: type_.group == "extensions")


@dataclass(frozen=True)
class ResourceFilter:
    """The lists of a Backup, as they are written: plural names, with their group or without, or `*`.

    An empty include list includes all. Where old and new lists are both given, both hold.
    """

    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    included_cluster_scoped: frozenset[str] = frozenset()
    excluded_cluster_scoped: frozenset[str] = frozenset()
    included_namespace_scoped: frozenset[str] = frozenset()
    excluded_namespace_scoped: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: BackupSpec) -> "ResourceFilter":
        """The filter that a Backup asks for."""
        return cls(
            frozenset(map(str.lower, spec.included_resources)),
            frozenset(map(str.lower, spec.excluded_resources)),
            frozenset(map(str.lower, spec.included_cluster_scoped_resources)),
            frozenset(map(str.lower, spec.excluded_cluster_scoped_resources)),
            frozenset(map(str.lower, spec.included_namespace_scoped_resources)),
            frozenset(map(str.lower, spec.excluded_namespace_scoped_resources)),
        )

    def allows(self, type_: ResourceType) -> bool:
        """Whether objects of this kind may be taken."""
        names = _names(type_)
        scoped = (
            (self.included_namespace_scoped, self.excluded_namespace_scoped)
            if type_.namespaced
            else (self.included_cluster_scoped, self.excluded_cluster_scoped)
        )
        return _passes(names, self.included, self.excluded) and _passes(names, *scoped)


def _passes(names: frozenset[str], included: frozenset[str], excluded: frozenset[str]) -> bool:
    return not (names & excluded) and (not included or bool(names & included))


def _names(type_: ResourceType) -> frozenset[str]:
    """All that a list may call a kind."""
    versioned = f"{type_.plural}.{type_.version}.{type_.group}" if type_.group else f"{type_.plural}.{type_.version}"
    return frozenset({ALL, type_.plural, type_.group_resource, type_.kind.lower(), versioned})
