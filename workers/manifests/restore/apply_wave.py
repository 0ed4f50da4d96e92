"""Creates a wave of captured objects, in order, and says what became of each. Safe to run again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.errors import AlreadyExists, Code, NotFound, PermanentError, TransientError
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message
from workers.manifests.kube.label_value import label_value
from workers.manifests.restore.compare import merge_service_account, same
from workers.manifests.restore.sanitise import RESTORE_NAME, sanitise, skip_reason
from workers.ports import Cluster


@dataclass(frozen=True)
class Wave:
    """Objects as captured, in the order of creation."""

    restore: str
    backup: str
    objects: list[Object]


@dataclass
class Outcome:
    """Counts, and what to tell people. `later` may work if it is tried again."""

    created: int = 0
    existing: int = 0
    later: list[Message] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)


def apply_wave(wave: Wave, cluster: Cluster) -> Outcome:
    """Creates what is not there. What is there and differs stays as it is, with a warning (Velero's rule)."""
    outcome = Outcome()
    kinds = _Kinds(cluster)
    for obj in wave.objects:
        if reason := skip_reason(obj):
            outcome.warnings.extend(_worth_telling(obj, reason))
            continue
        wanted = sanitise(obj, restore=wave.restore, backup=wave.backup)
        if wanted is not None:
            _apply(wanted, wave.restore, kinds, cluster, outcome)
    return outcome


def describe(obj: Object) -> str:
    """`Deployment shop/web`."""
    metadata = obj["metadata"]
    place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{obj['kind']} {place}{metadata['name']}"


class _Kinds:
    """Discovery, asked again when a kind is missing: its CustomResourceDefinition may have come a moment ago."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known = self._ask()

    def find(self, obj: Object) -> ResourceType | None:
        """The type of `obj`: of its own version, else of the version that the server prefers."""
        if self._key(obj) not in self._known:
            self._known = self._ask()
        return self._known.get(self._key(obj))

    def _ask(self) -> dict[tuple[str, str], ResourceType]:
        return {(type_.group, type_.kind): type_ for type_ in self._cluster.resource_types()}

    @staticmethod
    def _key(obj: Object) -> tuple[str, str]:
        group, slash, _ = obj["apiVersion"].rpartition("/")
        return (group if slash else "", obj["kind"])


def _apply(wanted: Object, restore: str, kinds: _Kinds, cluster: Cluster, outcome: Outcome) -> None:
    type_ = kinds.find(wanted)
    if type_ is None:
        outcome.later.append(_about(wanted, f"the cluster does not know {wanted['apiVersion']} {wanted['kind']}"))
        return
    try:
        cluster.create(type_, wanted)
        outcome.created += 1
    except AlreadyExists:
        _reconcile(type_, wanted, restore, cluster, outcome)
    except (TransientError, NotFound) as error:
        outcome.later.append(_about(wanted, str(error)))
    except PermanentError as error:
        outcome.errors.append(_about(wanted, str(error)))


def _reconcile(type_: ResourceType, wanted: Object, restore: str, cluster: Cluster, outcome: Outcome) -> None:
    namespace, name = wanted["metadata"].get("namespace"), wanted["metadata"]["name"]
    try:
        live = cluster.get(type_, namespace, name)
        if "deletionTimestamp" in live["metadata"]:
            outcome.later.append(_about(wanted, "is still being deleted"))
        elif (live["metadata"].get("labels") or {}).get(RESTORE_NAME) == label_value(restore):
            outcome.created += 1
        elif same(live, wanted):
            outcome.existing += 1
        elif wanted["kind"] == "ServiceAccount":
            outcome.existing += 1
            if patch := merge_service_account(live, wanted):
                cluster.patch(type_, namespace, name, patch)
        else:
            outcome.existing += 1
            text = "exists and differs from the backup; left as it is"
            outcome.warnings.append(_about(wanted, text, Code.DIFFERS))
    except (TransientError, NotFound) as error:
        outcome.later.append(_about(wanted, str(error)))
    except PermanentError as error:
        outcome.errors.append(_about(wanted, str(error)))


def _about(obj: Object, text: str, code: Code = Code.NOT_APPLIED) -> Message:
    return Message(code=code, text=f"{describe(obj)}: {text}", subject=describe(obj))


def _worth_telling(obj: Object, reason: str) -> Iterator[Message]:
    """Nobody misses what controllers make anew; a bare pod that had ended is worth a word."""
    if obj["kind"] == "Pod" and not obj["metadata"].get("ownerReferences"):
        yield _about(obj, f"not restored: {reason}")
