"""Which kinds of object can be captured and restored at all."""

from collections.abc import Iterable

from schemas.kubernetes import ResourceType

VERBS = frozenset({"list", "create", "get", "delete"})
"""A kind that lacks one of these verbs cannot be restored; metrics and reviews lack some."""

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


def capturable(types: Iterable[ResourceType]) -> list[ResourceType]:
    """The kinds that a backup looks at. Of kinds that two groups serve, the one in `extensions` comes last."""
    kept = (type_ for type_ in types if type_.group_resource not in NEVER and (type_.verbs or VERBS) >= VERBS)
    return sorted(kept, key=lambda type_: type_.group == "extensions")
