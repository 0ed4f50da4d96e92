"""From an object as it was captured to one that can be created: what servers and controllers set is removed.

The rules are Velero's, but for claims: they always get new volumes. https://velero.io/docs/main/restore-reference/
"""

import copy
from collections.abc import Callable
from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import (
    CLAIM,
    DEFINITION,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    VOLUME,
    Kind,
    annotations_of,
    kind_of,
    labels_of,
)
from workers.manifests.restore.sanitise import account, pod, rest, service, storage
from workers.manifests.restore.sanitise.skipping import skip_reason

BACKUP_NAME = "velero.io/backup-name"
RESTORE_NAME = "velero.io/restore-name"
"""Labels of restored objects."""

KEEP_STATUS = "velero.io/restore-status"
"""With the value `true`, the annotation of objects whose status is restored too."""
SERVERS_OWN = (
    "generateName",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "managedFields",
)
"""Metadata that is removed. Labels, annotations and finalizers stay; owners have new uids, and adopt by labels."""
GARBAGE_COLLECTORS = ("foregroundDeletion", "orphan")
"""Finalizers that mean something only while the object is being deleted."""

BY_KIND: dict[Kind, Callable[[Object], None]] = {
    POD: pod.strip,
    SERVICE: service.strip,
    CLAIM: storage.strip_claim,
    VOLUME: storage.strip_volume,
    SERVICE_ACCOUNT: account.strip_account,
    SECRET: account.strip_secret,
    NAMESPACE: rest.strip_namespace,
    DEFINITION: rest.strip_definition,
    ("batch", "Job"): rest.strip_job,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): rest.strip_webhooks,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): rest.strip_webhooks,
}
"""What changes besides metadata and status. Each changes the object that it is given, before its metadata."""


def sanitise(obj: Object, *, restore: str, backup: str) -> Object | None:
    """The object to create, with the labels of the restore and the backup; None if it is not restored (`skip_reason`).

    `obj` is left as it is."""
    if skip_reason(obj):
        return None
    new = stripped(obj)
    origin = {BACKUP_NAME: label_value(backup), RESTORE_NAME: label_value(restore)}
    new["metadata"]["labels"] = {**labels_of(new), **origin}
    return new


def stripped(obj: Object) -> Object:
    """A copy without what servers and controllers set."""
    new = copy.deepcopy(obj)
    if strip := BY_KIND.get(kind_of(new)):
        strip(new)
    _strip_metadata(new["metadata"])
    if annotations_of(new).get(KEEP_STATUS) != "true":
        new.pop("status", None)
    return new


def _strip_metadata(metadata: dict[str, Any]) -> None:
    for key in SERVERS_OWN:
        metadata.pop(key, None)
    finalizers = [name for name in metadata.pop("finalizers", None) or [] if name not in GARBAGE_COLLECTORS]
    if finalizers:
        metadata["finalizers"] = finalizers
