"""Which captured pods are not created, since their controllers make them."""

from collections.abc import Iterable

from schemas.kubernetes import Object
from workers.manifests.kube.objects import POD, Kind, Name, controller_of, kind_of, name_of, uid_of
from workers.manifests.restore.sanitise import skip_reason

CONTROLLERS: frozenset[Kind] = frozenset(
    {
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
        ("", "ReplicationController"),
    }
)
"""Those of Kubernetes' own. What the operator of a custom resource makes is not known."""


def left_to_controllers(objects: Iterable[Object]) -> set[Name]:
    """The pods, by namespace and name, whose controllers are created by the restore of `objects` as well."""
    objects = list(objects)
    making = {uid_of(obj) for obj in objects if kind_of(obj) in CONTROLLERS and not skip_reason(obj)}
    return {name_of(obj) for obj in objects if kind_of(obj) == POD and _controller(obj) in making}


def _controller(pod: Object) -> str | None:
    controller = controller_of(pod)
    return controller["uid"] if controller else None
