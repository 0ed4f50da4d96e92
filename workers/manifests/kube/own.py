"""What Snapline itself puts into a cluster, and how it is told from what applications put there."""

from schemas import destination, notification
from schemas.kubernetes import Object
from workers.manifests.kube.objects import labels_of

PART_OF = "app.kubernetes.io/part-of"
"""With the value `snapline`, the label of Snapline's own workers."""
RESTORE_LABEL = "snapline.dev/restore"
"""Label of the pods that hold claims while they are filled."""
WAIT_CONTAINER = "snapline-wait"
"""Name of the init container that holds a restored pod back until its emptyDirs are filled, and of its own volume."""
FRESH = "snapline.dev/waits"
"""Annotation of a pod between the moment it gets such an init container and its creation. It never reaches the
cluster: a captured pod that has the init container has it from an earlier restore."""


SET_UP = (destination.LABEL, notification.LABEL)
"""Labels of what says where backups go and whom to notify. A full backup has it for a cluster that is lost, as nothing
else knows it; whatever of it is there stays as it is."""


def is_set_up(obj: Object) -> bool:
    """Whether the object is one of these. It may hold credentials, so no application's own backup has it."""
    return any(label in labels_of(obj) for label in SET_UP)


def is_snaplines(obj: Object) -> bool:
    """Whether the object is part of Snapline, which has to go on while it restores."""
    return labels_of(obj).get(PART_OF) == "snapline" or is_set_up(obj)
