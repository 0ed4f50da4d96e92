"""Creates a wave of captured objects, in order, and says what became of each. Safe to run again."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from schemas.errors import AlreadyExists, Code, NotFound, PermanentError, TransientError
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import POD, SERVICE_ACCOUNT, is_going, kind_of, labels_of, title
from workers.manifests.restore.compare import merge_service_account, same
from workers.manifests.restore.sanitise import RESTORE_NAME, sanitise, skip_reason
from workers.manifests.restore.versions import Served, fitted, misfit, served
from workers.ports import Cluster


@dataclass(frozen=True)
class Wave:
    """Objects as captured, in the order of creation."""

    restore: str
    backup: str
    objects: list[Object]


@dataclass(frozen=True)
class Outcome:
    """Counts, and what to tell people. What is in `later` may work if it is tried again."""

    created: int = 0
    existing: int = 0
    later: Sequence[Message] = ()
    errors: Sequence[Message] = ()
    warnings: Sequence[Message] = ()


def apply_wave(wave: Wave, cluster: Cluster) -> Outcome:
    """Creates what does not exist. What exists and differs is left as it is, with a warning (Velero's rule).
    Raises TransientError if the API server goes away."""
    kinds = _Kinds(cluster)
    return _sum([_apply(obj, wave, kinds, cluster) for obj in wave.objects])


class _Kinds:
    """The kinds the server has. It is asked again when one is missing, which may have been defined a moment ago."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._unreadable: Mapping[str, str] = {}
        self._known = self._ask()

    def fit(self, obj: Object) -> tuple[ResourceType, Object] | None:
        """The type of `obj`, and `obj` in the version of that."""
        if kind_of(obj) not in self._known and kind_of(obj)[0] not in self._unreadable:
            self._known = self._ask()
        return fitted(obj, self._known.get(kind_of(obj), []))

    def why_not(self, obj: Object) -> str:
        """What to say of an object that has no type."""
        if reason := self._unreadable.get(kind_of(obj)[0]):
            return reason
        if types := self._known.get(kind_of(obj)):
            return misfit(obj, [type_.version for type_ in types])
        return f"the cluster does not know {obj['apiVersion']} {obj['kind']}"

    def _ask(self) -> Served:
        found = self._cluster.discover()
        self._unreadable = found.unreadable
        return served(found)


def _apply(obj: Object, wave: Wave, kinds: _Kinds, cluster: Cluster) -> Outcome:
    if reason := skip_reason(obj):
        return Outcome(warnings=_worth_telling(obj, reason))
    wanted = sanitise(obj, restore=wave.restore, backup=wave.backup)
    if wanted is None:
        return Outcome()
    found = kinds.fit(wanted)
    if found is None:
        return Outcome(later=[_about(wanted, kinds.why_not(wanted))])
    try:
        return _create(*found, wave.restore, cluster)
    except (TransientError, NotFound) as error:
        if error.code == Code.CLUSTER_AWAY:
            raise
        return Outcome(later=[_about(wanted, str(error))])
    except PermanentError as error:
        return Outcome(errors=[_about(wanted, str(error))])


def _create(type_: ResourceType, wanted: Object, restore: str, cluster: Cluster) -> Outcome:
    try:
        created = cluster.create(type_, wanted)
    except AlreadyExists:
        return _reconcile(type_, wanted, restore, cluster)
    _restore_status(type_, wanted, created, cluster)
    return Outcome(created=1)


def _restore_status(type_: ResourceType, wanted: Object, live: Object, cluster: Cluster) -> None:
    """Writes the status of an object that asks for it, unless it has one by now: a server ignores that of a create."""
    if wanted.get("status") and not live.get("status"):
        namespace, name = wanted["metadata"].get("namespace"), wanted["metadata"]["name"]
        with suppress(NotFound):  # a kind whose status is no subresource, or that has none
            cluster.patch(type_, namespace, name, {"status": wanted["status"]}, status=True)


def _reconcile(type_: ResourceType, wanted: Object, restore: str, cluster: Cluster) -> Outcome:
    """The object exists: from an earlier attempt of this restore, or made by somebody else."""
    namespace, name = wanted["metadata"].get("namespace"), wanted["metadata"]["name"]
    live = cluster.get(type_, namespace, name)
    if is_going(live):
        return Outcome(later=[_about(wanted, "is still being deleted")])
    if labels_of(live).get(RESTORE_NAME) == label_value(restore):
        _restore_status(type_, wanted, live, cluster)
        return Outcome(created=1)
    if same(live, wanted):
        return Outcome(existing=1)
    if kind_of(wanted) == SERVICE_ACCOUNT:
        if patch := merge_service_account(live, wanted):
            cluster.patch(type_, namespace, name, patch)
        return Outcome(existing=1)
    differs = _about(wanted, "exists and differs from the backup; left as it is", Code.DIFFERS)
    return Outcome(existing=1, warnings=[differs])


def _sum(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        created=sum(each.created for each in outcomes),
        existing=sum(each.existing for each in outcomes),
        later=[message for each in outcomes for message in each.later],
        errors=[message for each in outcomes for message in each.errors],
        warnings=[message for each in outcomes for message in each.warnings],
    )


def _about(obj: Object, text: str, code: Code = Code.NOT_APPLIED) -> Message:
    return Message(code=code, text=f"{title(obj)}: {text}", subject=title(obj))


def _worth_telling(obj: Object, reason: str) -> list[Message]:
    """Controllers make their own objects again, so only a pod without one is worth a warning."""
    bare = kind_of(obj) == POD and not obj["metadata"].get("ownerReferences")
    return [_about(obj, f"not restored: {reason}")] if bare else []
