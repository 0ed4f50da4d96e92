"""To which owner each live object belongs that is deleted: what hangs on something goes with it."""

from collections.abc import Collection, Mapping

from schemas.events import SHARED
from schemas.kubernetes import Object
from workers.manifests.capture.document import CONSOLE
from workers.manifests.kube.objects import CLAIM, KOTSADM, Kind, Name, claims_of, kind_of, labels_of, name_of, slug_of

Named = Mapping[tuple[Kind, Name], str]
"""Owners of captured objects."""


def owners_of(deleted: Mapping[str, Object], named: Named, owners: Collection[str]) -> dict[str, str]:
    """The owner of each of the `deleted` (by uid): as captured, as its labels say if that is one of `owners`, or the
    owner of what it hangs on, or of the claim that it mounts."""
    return {uid: _owner(_topmost(obj, deleted), named, owners) for uid, obj in deleted.items()}


def _topmost(obj: Object, deleted: Mapping[str, Object]) -> Object:
    seen: set[str] = set()
    while above := [uid for uid in _owner_uids(obj) if uid in deleted and uid not in seen]:
        seen.add(above[0])
        obj = deleted[above[0]]
    return obj


def _owner_uids(obj: Object) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or []]


def _owner(obj: Object, named: Named, owners: Collection[str]) -> str:
    if found := named.get((kind_of(obj), name_of(obj))):
        return found
    if (slug := slug_of(obj)) and slug in owners:
        return slug
    if CONSOLE in owners and labels_of(obj).get(KOTSADM) == "true":
        return CONSOLE
    mounted = [named.get((CLAIM, (name_of(obj)[0], claim))) for claim in claims_of(obj).values()]
    return next(filter(None, mounted), SHARED)
