"""Volumes and namespaces of the cluster that are in no good snapshot: by what these hold."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.kubernetes import Object
from schemas.records import Coverage
from schemas.velero import ALL

EXCLUDE = "velero.io/exclude-from-backup"
OPT_IN = "backup.velero.io/backup-volumes"
OPT_OUT = "backup.velero.io/backup-volumes-excludes"
SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
"""Kubernetes' own, which a cluster has before anything is installed."""
UNITS = {
    "": 1,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


@dataclass(frozen=True)
class Live:
    """What the cluster has: all pods and claims, and its namespaces."""

    pods: Sequence[Object]
    claims: Sequence[Object]
    namespaces: Sequence[Object]


@dataclass(frozen=True)
class UncoveredVolume:
    """A claim that holds data which is in no good snapshot, and `why`. Its capacity is `size` bytes, None where nobody
    says. It `waits` if the next snapshot is to have it: what opts it in is there already. It
    `needs_app`: nobody looks in its namespace."""

    namespace: str
    claim: str
    why: str
    size: int | None = None
    pod: str | None = None
    waits: bool = False
    needs_app: bool = False

    @property
    def key(self) -> str:
        """`<namespace>/<claim>`."""
        return f"{self.namespace}/{self.claim}"


@dataclass(frozen=True)
class UncoveredNamespace:
    """A namespace in which no snapshot looks for anything; so many pods run there."""

    name: str
    pods: int


@dataclass(frozen=True)
class Uncovered:
    """`left_out` counts the volumes that somebody has left out for good."""

    volumes: tuple[UncoveredVolume, ...] = ()
    namespaces: tuple[UncoveredNamespace, ...] = ()
    left_out: int = 0

    @property
    def needs_app(self) -> bool:
        """Whether an application has to be chosen to include all of them."""
        return any(volume.needs_app for volume in self.volumes)


def uncovered(
    live: Live, held: Collection[str], covers: Sequence[Coverage], looked_in: Collection[str], console_namespace: str
) -> Uncovered:
    """What is not covered. `held` are the volumes of good snapshots, by `<namespace>/<claim>`; `covers` is where these
    looked, and `looked_in` the namespaces of registered applications."""
    mounting = _mounting(live.pods)
    closed = {_name(each) for each in live.namespaces if _is_excluded(each)}
    volumes, left_out = [], 0
    for claim in live.claims:
        key = f"{_namespace(claim)}/{_name(claim)}"
        if not _holds_data(claim) or key in held or _namespace(claim) in SYSTEM:
            continue
        if _is_excluded(claim) or _namespace(claim) in closed:
            left_out += 1
            continue
        volumes.append(_volume(claim, mounting.get(key), _Where(covers, looked_in, console_namespace)))
    return Uncovered(
        volumes=tuple(sorted(volumes, key=lambda volume: (volume.waits, volume.key))),
        namespaces=tuple(_namespaces(live, _Where(covers, looked_in, console_namespace))),
        left_out=left_out,
    )


@dataclass(frozen=True)
class _Where:
    """Where snapshots look."""

    covers: Sequence[Coverage]
    looked_in: Collection[str]
    console_namespace: str

    def is_covered(self, namespace: str) -> bool:
        if namespace == self.console_namespace or namespace in self.looked_in or ALL in self.looked_in:
            return True
        return any(
            namespace not in each.excluded_namespaces and (namespace in each.namespaces or ALL in each.namespaces)
            for each in self.covers
        )


def _volume(claim: Object, pod: Object | None, where: _Where) -> UncoveredVolume:
    namespace, name = _namespace(claim), _name(claim)
    waits, why = False, "No pod mounts it"
    covered = where.is_covered(namespace)
    if not covered:
        why = "Its namespace belongs to no application"
    elif pod is not None:
        waits = _opts_in(pod, name)
        why = "Opted in: the next snapshot is to have it" if waits else f"Its pod {_name(pod)} does not opt it in"
    return UncoveredVolume(namespace, name, why, _capacity(claim), _name(pod) if pod else None, waits, not covered)


def _namespaces(live: Live, where: _Where) -> Iterator[UncoveredNamespace]:
    running = Counter(_namespace(pod) for pod in live.pods if _runs(pod))
    for each in sorted(map(_name, (each for each in live.namespaces if not _is_excluded(each)))):
        if running[each] and each not in SYSTEM and not where.is_covered(each):
            yield UncoveredNamespace(each, running[each])


def _mounting(pods: Iterable[Object]) -> Mapping[str, Object]:
    """Claim -> the pod that mounts it, the first by name of those that run."""
    found: dict[str, Object] = {}
    for pod in sorted(filter(_runs, pods), key=_name):
        for claim in claims_of(pod).values():
            found.setdefault(f"{_namespace(pod)}/{claim}", pod)
    return found


def claims_of(pod: Object) -> dict[str, str]:
    """The volumes of a pod (or of its template) that are claims: volume -> claim."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return {each["name"]: each["persistentVolumeClaim"]["claimName"] for each in volumes if _is_claim(each)}


def opted_in(pod: Object) -> list[str]:
    """The volumes that the annotation of a pod, or of its template, names."""
    said = ((pod.get("metadata") or {}).get("annotations") or {}).get(OPT_IN) or ""
    return list(dict.fromkeys(name.strip() for name in said.split(",") if name.strip()))


def _opts_in(pod: Object, claim: str) -> bool:
    """Whether the pod is one that snapshots select, and its annotation names the volume."""
    labels = pod["metadata"].get("labels") or {}
    selected = labels.get("kots.io/backup") == "velero" or "kots.io/app-slug" in labels
    claims = claims_of(pod)
    return selected and any(claims.get(volume) == claim for volume in opted_in(pod))


def _is_claim(volume: Mapping[str, object]) -> bool:
    source = volume.get("persistentVolumeClaim")
    return isinstance(source, dict) and bool(source.get("claimName"))


def _holds_data(claim: Object) -> bool:
    going = claim["metadata"].get("deletionTimestamp")
    return (claim.get("status") or {}).get("phase") == "Bound" and not going


def _capacity(claim: Object) -> int | None:
    said = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
    return quantity(str(said)) if said is not None else None


def quantity(text: str) -> int | None:
    """A Kubernetes quantity (`10Gi`, `500M`) in whole units; None for what is none."""
    number = text.rstrip("".join(UNITS))
    unit = UNITS.get(text[len(number) :])
    try:
        return int(float(number) * unit) if unit is not None else None
    except (ValueError, OverflowError):
        return None


def _is_excluded(obj: Object) -> bool:
    return (obj["metadata"].get("labels") or {}).get(EXCLUDE) == "true"


def _runs(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Running", "Pending") and not pod["metadata"].get("deletionTimestamp")


def _namespace(obj: Object) -> str:
    return str(obj["metadata"].get("namespace") or "")


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])
