"""Claims and volumes: a claim forgets the volume it had; a volume stays reserved for its claim, by name."""

from collections.abc import Iterable

from schemas.kubernetes import Object
from workers.manifests.kube.objects import VOLUME, Name, kind_of, spec_of

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY = "pv.kubernetes.io/bound-by-controller"
CLAIM_ANNOTATIONS = (
    BIND_COMPLETED,
    BOUND_BY,
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
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
    _drop_annotations(claim, CLAIM_ANNOTATIONS)
    spec = claim.get("spec") or {}
    for field in ("volumeName", "selector", "dataSource", "dataSourceRef"):
        spec.pop(field, None)


def strip_volume(volume: Object) -> None:
    """The volume stays reserved for its claim by name alone, since the restored claim has another uid."""
    _drop_annotations(volume, (BOUND_BY,))
    reference = spec_of(volume).get("claimRef") or {}
    for field in ("uid", "resourceVersion"):
        reference.pop(field, None)


def without_refilled(objects: Iterable[Object], claims: Iterable[Name]) -> list[Object]:
    """`objects` without the volumes of `claims` (namespace and name). A claim whose content is written back gets a new
    volume, whatever the reclaim policy; the old one is left alone."""
    refilled = set(claims)
    return [obj for obj in objects if kind_of(obj) != VOLUME or _claim(obj) not in refilled]


def _claim(volume: Object) -> Name:
    reference = spec_of(volume).get("claimRef") or {}
    return reference.get("namespace", ""), reference.get("name", "")


def _drop_annotations(obj: Object, names: Iterable[str]) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    for name in names:
        annotations.pop(name, None)
