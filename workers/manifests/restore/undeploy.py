"""What a restore deletes first, so that what it creates is what was backed up.

KOTS, before it restores an application: `helm uninstall`; deletes the rendered manifests by label,
but for those that are excluded from backups or kept; deletes every claim that a matching pod mounts; then everything
in the Backup's namespaces that carries the application's `kots.io/app-slug`. Before it restores the console:
everything labelled `kots.io/kotsadm=true` in the console's namespace, kind by kind.
(https://github.com/replicatedhq/kots, pkg/operator and pkg/kotsadmsnapshot)

We delete, of live objects:
- those that the backup holds and the restore will create anew, claims only if the backup holds their content;
- workloads and other objects that are not in the backup but carry the application's (or the console's) label, in the
  namespaces of its captured objects. KOTS' rule, but claims stay: what is not in the backup could not come back;
- what these own, so that a restore waits until the last pod is gone.

Never: namespaces, definitions, volumes and storage classes; what is excluded (`velero.io/exclude-from-backup`) or kept
(`kots.io/keep`); registrations, the destination, and Snapline's own workers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from schemas import application
from schemas.kubernetes import Object
from schemas.records import LiveRef
from schemas.velero import LabelSelector
from workers.manifests.capture.document import CONSOLE
from workers.manifests.capture.volume_plan import plan_volumes
from workers.manifests.kube.listing import Listing, read
from workers.manifests.kube.made_by_cluster import is_bootstrap_role, is_made_by_cluster
from workers.manifests.kube.objects import (
    CLAIM,
    DEFINITION,
    KOTSADM,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE_ACCOUNT,
    VOLUME,
    Kind,
    Name,
    annotations_of,
    controller_of,
    is_excluded,
    kind_of,
    labels_of,
    name_of,
    slug_of,
    uid_of,
)
from workers.manifests.kube.own import is_snaplines
from workers.manifests.kube.service_account_tokens import is_generated_secret
from workers.manifests.kube.types import capturable
from workers.manifests.restore.order import is_custom
from workers.ports import Cluster

KEEP = "kots.io/keep"
PHASE = "kots.io/deletion-phase"
"""Annotations by which a vendor keeps an object, and orders deletions."""

UNTOUCHED: frozenset[Kind] = frozenset(
    {
        NAMESPACE,
        DEFINITION,
        VOLUME,
        ("storage.k8s.io", "StorageClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("", "LimitRange"),
        ("", "ResourceQuota"),
        ("", "Endpoints"),
        ("discovery.k8s.io", "EndpointSlice"),
    }
)
"""Never deleted: others depend on them, or they follow from what is deleted."""

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
"""Order of deletion, after custom resources: what would make others again goes first. Then all other kinds."""


def to_undeploy(
    cluster: Cluster,
    objects: list[Object],
    console_namespace: str,
    *,
    claims: Collection[Name] | None = None,
    owners: Collection[str] | None = None,
    selector: LabelSelector | None = None,
) -> list[LiveRef]:
    """The live objects to delete before `objects` (captured, and in the restore's scope) are created, in order.

    `claims`: those whose content the backup holds, by namespace and name; None: those that opted in.
    `owners`: `console` and slugs that the restore concerns; None: whom the objects' own labels name.
    `selector`: a partial backup's own labelSelector; what it does not match, and the backup does not hold, stays.
    Raises TransientError while the kinds of a group that `objects` are of cannot be discovered.
    A reference's `phase` counts up: what is in a phase should be gone before the next one is deleted."""
    scope = _Scope(
        captured={(kind_of(obj), name_of(obj)) for obj in objects},
        namespaces={name_of(obj)[0] for obj in objects} - {""},
        owners=_named_by(objects) if owners is None else set(owners),
        claims=_opted_in(objects) if claims is None else set(claims),
        console_namespace=console_namespace,
        selector=selector or LabelSelector(),
    )
    found = cluster.discover()
    found.require(group for (group, _), _ in scope.captured)
    live = read(cluster, capturable(found.types), scope.namespaces)
    chosen = {uid: obj for uid, obj in live.objects.items() if scope.replaces(obj)}
    doomed = {uid: obj for uid, obj in chosen.items() if _ends_with_it(obj, chosen, live)}
    _add_owned(doomed, live)
    return _in_phases(doomed.values(), live)


@dataclass(frozen=True)
class _Scope:
    """What a restore concerns."""

    captured: set[tuple[Kind, Name]]
    namespaces: set[str]
    owners: set[str]
    claims: set[Name]
    console_namespace: str
    selector: LabelSelector

    def replaces(self, obj: Object) -> bool:
        """Whether the live object is in the way."""
        if _is_protected(obj):
            return False
        if kind_of(obj) == CLAIM:
            return name_of(obj) in self.claims
        namespace, _ = name_of(obj)
        if namespace and (kind_of(obj), name_of(obj)) in self.captured:
            return True
        return self._is_ours(obj) and ((kind_of(obj), name_of(obj)) in self.captured or self._is_left_over(obj))

    def _is_ours(self, obj: Object) -> bool:
        """Whether its labels say that it belongs to what is restored."""
        if slug := slug_of(obj):
            return slug in self.owners
        return CONSOLE in self.owners and labels_of(obj).get(KOTSADM) == "true"

    def _is_left_over(self, obj: Object) -> bool:
        """Whether it was made after the backup. Nothing cluster-wide counts, and of the
        console's objects only those beside it."""
        namespace, _ = name_of(obj)
        if slug_of(obj) is None:
            return namespace == self.console_namespace
        return namespace in self.namespaces and self.selector.matches(labels_of(obj))


def _is_protected(obj: Object) -> bool:
    kind = kind_of(obj)
    return (
        kind in UNTOUCHED
        or is_excluded(obj)
        or annotations_of(obj).get(KEEP) == "true"
        or is_snaplines(obj)
        or application.LABEL in labels_of(obj)
        or is_made_by_cluster(obj)
        or is_bootstrap_role(obj)
        or (kind == SERVICE_ACCOUNT and name_of(obj)[1] == "default")
        or (kind == SECRET and is_generated_secret(obj))
    )


def _named_by(objects: Iterable[Object]) -> set[str]:
    """To whom the objects belong by their labels."""
    named = set()
    for obj in objects:
        if slug := slug_of(obj):
            named.add(slug)
        elif labels_of(obj).get(KOTSADM) == "true":
            named.add(CONSOLE)
    return named


def _opted_in(objects: list[Object]) -> set[Name]:
    planned = plan_volumes(objects, default_volumes=False)
    return {(pod.namespace, volume.claim) for pod in planned.pods for volume in pod.volumes if volume.claim}


def _ends_with_it(obj: Object, chosen: Mapping[str, Object], live: Listing) -> bool:
    """False if its controller stays and would make it again at once."""
    controller = controller_of(obj)
    return controller is None or controller["uid"] in chosen or controller["uid"] not in live.objects


def _add_owned(doomed: dict[str, Object], live: Listing) -> None:
    """Adds what the garbage collector deletes with them: ReplicaSets, Pods and whatever else they own."""
    growing = True
    while growing:
        owned = {uid: obj for uid, obj in live.objects.items() if uid not in doomed and _is_owned(obj, doomed)}
        doomed.update(owned)
        growing = bool(owned)


def _is_owned(obj: Object, doomed: Mapping[str, Object]) -> bool:
    owners = obj["metadata"].get("ownerReferences") or []
    return kind_of(obj) not in UNTOUCHED and any(owner["uid"] in doomed for owner in owners)


def _in_phases(objects: Iterable[Object], live: Listing) -> list[LiveRef]:
    """References in order of deletion. Custom resources are a phase of their own, so that their operators can still
    finish them; so are the vendor's deletion phases."""
    placed = sorted((_phase(obj), _rank(kind_of(obj)), kind_of(obj), name_of(obj), uid_of(obj)) for obj in objects)
    phases = sorted({phase for phase, *_ in placed})
    return [_ref(live, uid, phases.index(phase)) for phase, *_, uid in placed]


def _phase(obj: Object) -> tuple[int, bool]:
    try:
        asked = int(annotations_of(obj).get(PHASE, "0"))
    except ValueError:
        asked = 0
    return asked, not is_custom(kind_of(obj))


def _rank(kind: Kind) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _ref(live: Listing, uid: str, phase: int) -> LiveRef:
    obj = live.objects[uid]
    namespace, name = name_of(obj)
    type_ = live.types[uid]
    return LiveRef(group_resource=type_.group_resource, namespace=namespace or None, name=name, uid=uid, phase=phase)
