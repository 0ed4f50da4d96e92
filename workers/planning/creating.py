"""Which captured objects the restore of one owner creates, as they are created."""

from collections.abc import Iterable, Mapping

from schemas.kubernetes import Object
from schemas.records import RestorePlan
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import Name
from workers.manifests.restore.load import owner_of
from workers.manifests.restore.rebind import with_volumes


def of_owner(held: Captured, owner: str) -> list[Object]:
    """What of the captured objects is the owner's alone."""
    return [obj for obj in held.objects if owner_of(held, obj) == owner]


def refilled(plan: RestorePlan, owner: str) -> list[Name]:
    """The owner's claims whose content comes from the backup."""
    claims = (volume for volume in plan.volumes if volume.kind == "claim" and volume.owner == owner)
    return [(volume.namespace, volume.claim) for volume in claims if volume.claim]


def to_create(objects: Iterable[Object], plan: RestorePlan, owner: str, rebound: Mapping[Name, str]) -> list[Object]:
    """The owner's captured `objects` without the volumes that are made anew; claims that are `rebound` know theirs."""
    return with_volumes(objects, refilled(plan, owner), rebound)
