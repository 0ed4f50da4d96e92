"""Whether somebody is warned of unusual changes in a volume: unless its pod, its claim, or the Backup resource of
everybody to whom the pod belongs says no."""

from collections.abc import Iterable

from schemas.application import Application
from schemas.kubernetes import Object
from workers.manifests.capture.document import Captured
from workers.manifests.capture.scope import shipped_spec
from workers.manifests.kube.objects import POD, annotations_of, kind_of, uid_of

SUSPICION = "snapline.dev/suspicion"
"""Annotation of a pod, a claim or a Backup resource; with the value `off` nobody is warned."""


def is_watched(obj: Object) -> bool:
    """Whether the pod or claim itself allows it."""
    return annotations_of(obj).get(SUSPICION) != "off"


def unwatched(captured: Captured, apps: Iterable[Application]) -> set[str]:
    """The uids of the pods whose owners' Backup resources say no. Raises Invalid."""
    silent = {app.slug for app in apps if (spec := shipped_spec(app)) and spec.annotations.get(SUSPICION) == "off"}
    pods = (obj for obj in captured.objects if kind_of(obj) == POD)
    return {uid_of(pod) for pod in pods if (owners := captured.owners_of(pod)) and silent.issuperset(owners)}
