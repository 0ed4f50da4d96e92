"""The order of deletion: what is in a phase should be gone before the next phase is deleted.

Phases never wait for what comes later: what hangs on an object is in no earlier phase than the object, and claims,
which stay while any pod mounts them, are the last phase of all.
"""

from collections.abc import Mapping

from schemas.kubernetes import Object
from workers.manifests.kube.objects import CLAIM, POD, Kind, annotations_of, kind_of, name_of
from workers.manifests.restore.order import is_custom

PHASE = "kots.io/deletion-phase"
"""Annotation by which a vendor orders deletions."""

KINDS: tuple[Kind, ...] = (
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("apps", "StatefulSet"),
    ("apps", "Deployment"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("", "ReplicationController"),
    POD,
)
"""Order of deletion within a phase: what would make others again goes first. Then all other kinds."""

Place = tuple[bool, int, bool]
"""Whether it is a claim; the vendor's phase; whether it is of a kind of Kubernetes' own. Custom resources go before the
rest of their phase, so that their operators can still finish them."""


def in_phases(objects: Mapping[str, Object]) -> list[tuple[str, int]]:
    """The uids of `objects` (by uid) in order of deletion, each with its phase, from 0."""
    places: dict[str, Place] = {}
    for uid in objects:
        _place(uid, objects, places, frozenset())
    phases = sorted(set(places.values()))
    ordered = sorted(objects, key=lambda uid: (places[uid], _rank(objects[uid]), name_of(objects[uid]), uid))
    return [(uid, phases.index(places[uid])) for uid in ordered]


def _place(uid: str, objects: Mapping[str, Object], places: dict[str, Place], asking: frozenset[str]) -> Place:
    """The object's own place, but not before that of its owners. `asking` are those that ask: owners in a circle."""
    if uid not in places:
        obj = objects[uid]
        owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []}
        known = owners & objects.keys() - asking - {uid}
        above = [_place(owner, objects, places, asking | {uid}) for owner in sorted(known)]
        places[uid] = max([_own_place(obj), *above])
    return places[uid]


def _own_place(obj: Object) -> Place:
    try:
        asked = int(annotations_of(obj).get(PHASE, "0"))
    except ValueError:
        asked = 0
    if kind_of(obj) == CLAIM:
        return True, 0, True
    return False, asked, not is_custom(kind_of(obj))


def _rank(obj: Object) -> tuple[int, Kind]:
    kind = kind_of(obj)
    return (KINDS.index(kind) if kind in KINDS else len(KINDS)), kind
