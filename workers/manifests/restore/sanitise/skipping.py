"""Captured objects that are never created again, and why.

Mostly Velero's rules: https://velero.io/docs/main/restore-reference/
"""

from schemas.kubernetes import Object
from workers.manifests.kube.made_by_cluster import is_made_by_cluster
from workers.manifests.kube.objects import (
    POD,
    SECRET,
    VOLUME,
    annotations_of,
    controller_of,
    kind_of,
    labels_of,
    spec_of,
    status_of,
)
from workers.manifests.kube.own import RESTORE_LABEL
from workers.manifests.kube.service_account_tokens import is_generated_secret
from workers.manifests.restore.sanitise.storage import is_hand_made

KINDS = frozenset(
    {
        ("", "Node"),
        ("", "Event"),
        ("events.k8s.io", "Event"),
        ("velero.io", "Backup"),
        ("velero.io", "Restore"),
        ("velero.io", "ResticRepository"),
        ("velero.io", "BackupRepository"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("coordination.k8s.io", "Lease"),
    }
)
"""State of a cluster, or of a backup tool."""
CONTROLLER_REVISION = ("apps", "ControllerRevision")
"""Restored as it was, it is refused when its StatefulSet or DaemonSet adopts it (its data comes back in another byte
order than it was hashed in), and the controller then never gets to its pods. Seen on Kubernetes 1.20."""
MIRROR = "kubernetes.io/config.mirror"
AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"


def skip_reason(obj: Object) -> str | None:
    """Why the captured object is not restored; None if it is."""
    kind = kind_of(obj)
    if kind in KINDS:
        return f"{obj['kind']} objects describe the state of a cluster"
    if is_made_by_cluster(obj):
        return "every cluster makes it by itself"
    if kind == POD:
        return _pod_reason(obj)
    if kind == ("batch", "Job"):
        return _job_reason(obj)
    if kind == CONTROLLER_REVISION and controller_of(obj):
        return "its controller makes it anew"
    if kind == VOLUME and _is_provisioned_anew(obj):
        return "its claim gets a new volume"
    if kind == SECRET and is_generated_secret(obj):
        return "the cluster makes a new token"
    if kind == ("apiregistration.k8s.io", "APIService") and AUTOMANAGED in labels_of(obj):
        return "the API server registers it by itself"
    return None


def _job_reason(job: Object) -> str | None:
    """A job that has ended would run again."""
    status = status_of(job)
    if status.get("completionTime"):
        return "it had completed"
    failed = (c for c in status.get("conditions") or [] if c.get("type") == "Failed" and c.get("status") == "True")
    return "it had failed" if any(failed) else None


def _pod_reason(pod: Object) -> str | None:
    if MIRROR in annotations_of(pod):
        return "it mirrors a file on its node"
    if RESTORE_LABEL in labels_of(pod):
        return "it was a helper of a restore"
    if status_of(pod).get("phase") in ("Succeeded", "Failed"):
        return "it had ended"
    return None


def _is_provisioned_anew(volume: Object) -> bool:
    """A provisioner made it, and would have taken it away with its claim."""
    reclaim = spec_of(volume).get("persistentVolumeReclaimPolicy")
    return reclaim == "Delete" and not is_hand_made(volume)
