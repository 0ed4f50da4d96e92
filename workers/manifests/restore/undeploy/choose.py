"""Which live objects a restore deletes before it creates.

KOTS, before it restores an application: `helm uninstall`; deletes the rendered manifests by label,
but for those that are excluded from backups or kept; deletes every claim that a matching pod mounts; then everything
in the Backup's namespaces that carries the application's `kots.io/app-slug`. Before it restores the console:
everything labelled `kots.io/kotsadm=true` in the console's namespace, kind by kind.
(https://github.com/replicatedhq/kots, pkg/operator and pkg/kotsadmsnapshot)

KOTS can deploy an application anew, a restore cannot. So we delete, of live objects:
- those that the restore will create again, if they belong to nobody else; claims only if it fills them again;
- those that carry the application's (or the console's) label, are of a kind and in a namespace that the backup covers,
  and were created after it;
- what hangs on these: what the garbage collector would take with them.

Never: what is `untouched`, what carries another application's label, what a controller that stays would make again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.kubernetes import PODS, Object
from schemas.messages import Message
from schemas.records import Coverage, LiveRef, Why
from schemas.velero import LabelSelector
from workers.manifests.capture.document import CONSOLE
from workers.manifests.kube.listing import Listing, read
from workers.manifests.kube.objects import (
    CLAIM,
    KOTSADM,
    Name,
    controller_of,
    is_going,
    kind_of,
    labels_of,
    name_of,
    slug_of,
    title,
    uid_of,
)
from workers.manifests.kube.types import capturable
from workers.manifests.restore.undeploy.claims import cannot_tell, kept_claims, left_over_pods
from workers.manifests.restore.undeploy.phases import in_phases
from workers.manifests.restore.undeploy.untouched import UNTOUCHED, is_untouched, runs
from workers.manifests.restore.undeploy.whose import Named, owners_of
from workers.ports import Cluster


@dataclass(frozen=True)
class Concern:
    """What a restore concerns.

    `returning` are the captured objects that it creates again, without those that belong to others as well; `named`
    says to whom captured objects belong; `owners` are the slugs, and `console`; `refilled` the claims that it fills
    again, by namespace and name. What the backup `covers` and was made after `since` is newer than it. `selector` is a
    partial backup's own."""

    returning: Sequence[Object]
    owners: Collection[str]
    refilled: Collection[Name]
    since: datetime
    covers: Sequence[Coverage] = ()
    selector: LabelSelector = field(default_factory=LabelSelector)
    named: Named = field(default_factory=dict)
    keep_newer: bool = False


@dataclass(frozen=True)
class Chosen:
    """What is deleted, in order, and as it is, by uid; what only loses owners that are deleted, and stays; the claims
    that cannot be filled, by name, with the reason; what is newer than the backup and was asked to be kept, in words;
    and the kinds that could not be read, of which nothing is deleted."""

    deleted: list[LiveRef]
    objects: dict[str, Object]
    released: list[LiveRef]
    kept_claims: dict[Name, Message]
    newer: list[str]
    unread: list[str]


def to_undeploy(cluster: Cluster, concern: Concern) -> Chosen:
    """What is to be deleted of what is there now. A reference's `phase` counts up. Raises TransientError while kinds
    of a group that comes back cannot be discovered."""
    namespaces = {name_of(obj)[0] for obj in concern.returning} - {""} | {
        namespace for namespace, _ in concern.refilled
    }
    covered = {name for coverage in _covering(concern) for name in coverage.namespaces}
    found = cluster.discover()
    found.require(kind_of(obj)[0] for obj in concern.returning)
    live = read(cluster, capturable(found.types), namespaces | covered)
    choice = _Choice(concern, live)
    newer = choice.newer()
    roots = choice.returning() | ({} if concern.keep_newer else newer)
    going = {uid: obj for uid, obj in roots.items() if _ends(obj, roots, live.objects)}
    released = _add_hanging(going, live.objects, choice.stays_behind)
    refilled = choice.refilled()
    if live.unread & {PODS.group_resource}:
        kept = {name_of(claim): cannot_tell(claim) for claim in refilled.values()}
    else:
        kept = kept_claims(refilled.values(), going, live.objects, choice.other_owner)
    claims = {uid: claim for uid, claim in refilled.items() if name_of(claim) not in kept}
    deleted = going | claims | left_over_pods(claims.values(), live.objects)
    whose = owners_of(deleted | released, concern.named, concern.owners)
    return Chosen(
        deleted=[_ref(live, uid, _why(uid, roots, newer), phase, whose) for uid, phase in in_phases(deleted)],
        objects=deleted,
        released=[_ref(live, uid, "dependent", 0, whose) for uid in released if uid not in deleted],
        kept_claims=kept,
        newer=[title(obj) for uid, obj in newer.items() if uid not in deleted],
        unread=sorted(live.unread),
    )


class _Choice:
    """The live objects, seen by what a restore concerns."""

    def __init__(self, concern: Concern, live: Listing) -> None:
        self._concern = concern
        self._live = live
        self._returning = {(kind_of(obj), name_of(obj)) for obj in concern.returning}

    def returning(self) -> dict[str, Object]:
        """Those that are created again, but for claims."""
        return {uid: obj for uid, obj in self._candidates() if self._returns(obj)}

    def newer(self) -> dict[str, Object]:
        """Those that came after the backup, by themselves."""
        return {uid: obj for uid, obj in self._candidates() if not self._returns(obj) and self._is_newer(uid, obj)}

    def refilled(self) -> dict[str, Object]:
        """The claims whose content is in the backup."""
        wanted = set(self._concern.refilled)
        return {uid: obj for uid, obj in self._live.objects.items() if kind_of(obj) == CLAIM and name_of(obj) in wanted}

    def other_owner(self, claim: Object) -> str | None:
        """To whom else a claim belongs, by its labels or in the backup."""
        if not self._may_be_ours(claim):
            return slug_of(claim) or CONSOLE
        return None if (CLAIM, name_of(claim)) in self._returning else "others"

    def stays_behind(self, obj: Object) -> bool:
        """Whether something that hangs on what is deleted stays all the same: it would not come back."""
        if kind_of(obj) == CLAIM:
            owners = obj["metadata"].get("ownerReferences") or []
            return not any(owner["kind"] == "Pod" for owner in owners)
        if runs(obj) or kind_of(obj) in UNTOUCHED:
            return False
        return is_untouched(obj) or not self._may_be_ours(obj) or not self._is_covered_kind(uid_of(obj))

    def _candidates(self) -> list[tuple[str, Object]]:
        return [
            (uid, obj)
            for uid, obj in self._live.objects.items()
            if kind_of(obj) != CLAIM and not is_untouched(obj) and self._may_be_ours(obj)
        ]

    def _returns(self, obj: Object) -> bool:
        """Cluster-wide objects only with our label: others may have come to use them."""
        if (kind_of(obj), name_of(obj)) not in self._returning:
            return False
        return bool(name_of(obj)[0]) or self._is_ours(obj)

    def _is_newer(self, uid: str, obj: Object) -> bool:
        """Nothing cluster-wide counts, and nothing that something else has made or that is going already."""
        if not name_of(obj)[0] or not self._is_ours(obj) or is_going(obj) or self._has_live_owner(obj):
            return False
        created = obj["metadata"].get("creationTimestamp")
        if not created or datetime.fromisoformat(created) < self._concern.since.replace(microsecond=0):
            return False
        return self._is_covered(uid, obj)

    def _has_live_owner(self, obj: Object) -> bool:
        return any(owner["uid"] in self._live.objects for owner in obj["metadata"].get("ownerReferences") or [])

    def _is_covered(self, uid: str, obj: Object) -> bool:
        slug, kind = slug_of(obj), self._live.types[uid].group_resource
        if slug is not None and not self._concern.selector.matches(labels_of(obj)):
            return False
        owner = slug if slug is not None else CONSOLE
        return any(c.owner == owner and c.covers(name_of(obj)[0], kind) for c in self._concern.covers)

    def _is_covered_kind(self, uid: str) -> bool:
        kind = self._live.types[uid].group_resource
        return any(coverage.covers_kind(kind) for coverage in _covering(self._concern))

    def _is_ours(self, obj: Object) -> bool:
        """Whether its labels say that it belongs to what is restored."""
        if slug := slug_of(obj):
            return slug in self._concern.owners
        return CONSOLE in self._concern.owners and labels_of(obj).get(KOTSADM) == "true"

    def _may_be_ours(self, obj: Object) -> bool:
        """Whether its labels do not say that it belongs to somebody else."""
        if slug_of(obj) or labels_of(obj).get(KOTSADM) == "true":
            return self._is_ours(obj)
        return True


def _covering(concern: Concern) -> list[Coverage]:
    return [coverage for coverage in concern.covers if coverage.owner in concern.owners]


def _ends(obj: Object, roots: Mapping[str, Object], live: Mapping[str, Object]) -> bool:
    """Whether its topmost controller, or it itself if there is none, is among `roots`. What a controller that stays
    would make again at once is not deleted."""
    seen = set()
    while (controller := controller_of(obj)) and controller["uid"] in live and uid_of(obj) not in seen:
        seen.add(uid_of(obj))
        obj = live[controller["uid"]]
    return uid_of(obj) in roots


def _add_hanging(
    going: dict[str, Object], live: Mapping[str, Object], stays_behind: Callable[[Object], bool]
) -> dict[str, Object]:
    """Adds to `going` what loses its last owner with it; returns those of these that stay, if their owners let go."""
    released: dict[str, Object] = {}
    growing = True
    while growing:
        found = {
            uid: obj
            for uid, obj in live.items()
            if uid not in going and uid not in released and _loses_all_owners(obj, going, live)
        }
        released |= {uid: obj for uid, obj in found.items() if stays_behind(obj)}
        going |= (more := {uid: obj for uid, obj in found.items() if uid not in released})
        growing = bool(more)
    return released


def _loses_all_owners(obj: Object, going: Mapping[str, Object], live: Mapping[str, Object]) -> bool:
    """Whether the garbage collector takes it: some owner goes, and none that is there stays."""
    owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []}
    return kind_of(obj) not in UNTOUCHED and bool(owners & going.keys()) and not (owners & live.keys()) - going.keys()


def _why(uid: str, roots: Mapping[str, Object], newer: Mapping[str, Object]) -> Why:
    if uid in newer:
        return "newer"
    return "replaced" if uid in roots else "dependent"


def _ref(live: Listing, uid: str, why: Why, phase: int, whose: Mapping[str, str]) -> LiveRef:
    namespace, name = name_of(live.objects[uid])
    return LiveRef(
        group_resource=live.types[uid].group_resource,
        namespace=namespace or None,
        name=name,
        uid=uid,
        phase=phase,
        why=why,
        owner=whose[uid],
    )
