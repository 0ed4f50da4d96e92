"""Which claims a restore may delete: those that it fills again, and that nothing which stays is using."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from schemas.errors import Code
from schemas.kubernetes import Object
from schemas.messages import Message
from workers.manifests.kube.objects import (
    POD,
    Name,
    claims_of,
    controller_of,
    kind_of,
    labels_of,
    name_of,
    status_of,
    title,
)
from workers.manifests.kube.own import RESTORE_LABEL
from workers.manifests.restore.undeploy.untouched import is_kept, is_untouched

ENDED = ("Succeeded", "Failed")


def kept_claims(
    claims: Iterable[Object],
    going: Mapping[str, Object],
    live: Mapping[str, Object],
    whose: Callable[[Object], str | None],
) -> dict[Name, Message]:
    """Those of the live `claims` that stay, and so keep their content, and why; `whose` names another owner of one.

    `LeftAlone` where somebody asked for it, else `VolumeNotRestored`."""
    staying = [obj for uid, obj in live.items() if kind_of(obj) == POD and uid not in going and not _is_left_over(obj)]
    found = ((claim, _why_kept(claim, staying, live, whose)) for claim in claims)
    return {name_of(claim): message for claim, message in found if message}


def cannot_tell(claim: Object) -> Message:
    """Why a claim stays where nobody can tell which pods are using it."""
    return _left_alone(claim, "pods could not be read, so some may be using it", Code.VOLUME_NOT_RESTORED)


def left_over_pods(claims: Iterable[Object], live: Mapping[str, Object]) -> dict[str, Object]:
    """Pods, by uid, that have nothing to do any more, but would hold the deleted `claims` back."""
    names = {name_of(claim) for claim in claims}
    return {
        uid: obj
        for uid, obj in live.items()
        if kind_of(obj) == POD and _is_left_over(obj) and not names.isdisjoint(_mounted(obj))
    }


def _why_kept(
    claim: Object, staying: Iterable[Object], live: Mapping[str, Object], whose: Callable[[Object], str | None]
) -> Message | None:
    if is_kept(claim):
        return _left_alone(claim, "it asks to be kept", Code.LEFT_ALONE)
    if is_untouched(claim):
        return _left_alone(claim, "it is not the application's", Code.VOLUME_NOT_RESTORED)
    if other := whose(claim):
        return _left_alone(claim, f"it belongs to {other}, too", Code.VOLUME_NOT_RESTORED)
    for pod in staying:
        if name_of(claim) in _mounted(pod):
            why = f"{title(_topmost(pod, live))}, which this restore does not replace, is using it"
            return _left_alone(claim, why, Code.VOLUME_NOT_RESTORED)
    return None


def _left_alone(claim: Object, why: str, code: Code) -> Message:
    namespace, name = name_of(claim)
    text = f"{namespace}/{name}: the volume was left as it is, not restored: {why}"
    return Message(code=code, text=text, subject=f"{namespace}/{name}")


def _topmost(obj: Object, live: Mapping[str, Object]) -> Object:
    seen = 0
    while (controller := controller_of(obj)) and controller["uid"] in live and seen < len(live):
        obj, seen = live[controller["uid"]], seen + 1
    return obj


def _mounted(pod: Object) -> Iterator[Name]:
    return ((name_of(pod)[0], claim) for claim in claims_of(pod).values())


def _is_left_over(pod: Object) -> bool:
    """One that has ended, or an earlier restore's helper."""
    return (status_of(pod).get("phase") in ENDED or RESTORE_LABEL in labels_of(pod)) and not is_untouched(pod)
