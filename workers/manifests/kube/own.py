"""What Snapline itself puts into a cluster, and how it is told from what applications put there."""

from schemas import destination
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


def is_snaplines(obj: Object) -> bool:
    """Whether the object is part of Snapline, which has to go on while it restores."""
    return labels_of(obj).get(PART_OF) == "snapline" or destination.LABEL in labels_of(obj)
