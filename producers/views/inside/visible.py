"""What somebody may see of a backup to whom only some applications are granted."""

from collections.abc import Callable, Iterable

from producers.views.inside.objects import HeldObject
from producers.views.volumes import VolumeView


def visible_objects(found: Iterable[HeldObject], sees: Callable[[str], bool]) -> list[HeldObject]:
    """Those that belong to an application that one `sees`; what has several owners, if one sees all of them."""
    return [each for each in found if each.owners and all(sees(owner) for owner in each.owners)]


def visible_volumes(found: Iterable[VolumeView], seen: Iterable[HeldObject]) -> list[VolumeView]:
    """Those of the pods that are `seen`."""
    pods = {(each.namespace, each.name) for each in seen if each.kind == "Pod"}
    return [each for each in found if (each.namespace, each.pod) in pods]
