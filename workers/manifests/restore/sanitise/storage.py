"""Claims and volumes: a claim forgets the volume it had, unless that was made by hand; a volume stays reserved for its
claim, by name."""

from collections.abc import Iterable

from schemas.kubernetes import Object
from workers.manifests.kube.objects import annotations_of, spec_of

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONERS = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
"""Annotations of a claim that a provisioner was asked for. It would refuse a selector, so that goes."""
KEEPS_VOLUME = "snapline.dev/keeps-volume"
"""Annotation of a captured claim that gets its old volume back. It never reaches the cluster."""
CLAIM_ANNOTATIONS = (
    BIND_COMPLETED,
    BOUND_BY,
    *PROVISIONERS,
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-resizer",
    "velero.io/csi-volumesnapshot-handle",
    "velero.io/csi-volumesnapshot-name",
    "velero.io/vsi-volumesnapshot-name",
    "velero.io/csi-volumesnapshot-restore-size",
    "velero.io/vsc-name",
)
"""Set by the volume controllers, or left by Velero."""


def strip_claim(claim: Object) -> None:
    """The claim as it was before it was bound, and without a source: its content comes from the backup."""
    spec = claim.get("spec") or {}
    keeps = KEEPS_VOLUME in annotations_of(claim)
    provisioned = any(annotations_of(claim).get(name) for name in PROVISIONERS)
    _drop_annotations(claim, (*CLAIM_ANNOTATIONS, KEEPS_VOLUME))
    for field in ("dataSource", "dataSourceRef", *(() if keeps else ("volumeName",))):
        spec.pop(field, None)
    if provisioned and not keeps:
        spec.pop("selector", None)


def is_hand_made(volume: Object) -> bool:
    """Whether people made the volume, and no provisioner would make another."""
    return PROVISIONED_BY not in annotations_of(volume)


def strip_volume(volume: Object) -> None:
    """The volume stays reserved for its claim by name alone, since the restored claim has another uid."""
    _drop_annotations(volume, (BOUND_BY,))
    reference = spec_of(volume).get("claimRef") or {}
    for field in ("uid", "resourceVersion"):
        reference.pop(field, None)


def _drop_annotations(obj: Object, names: Iterable[str]) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    for name in names:
        annotations.pop(name, None)
