"""Captures what is selected, and all that it brings along: each object once, as the server gives it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemas.errors import Code
from schemas.kubernetes import Discovery, Object, ResourceType
from schemas.messages import Message
from schemas.velero import ALL
from workers.manifests.capture.candidates import Candidates
from workers.manifests.capture.document import CONSOLE, Captured, counts
from workers.manifests.capture.left_out import is_never_captured
from workers.manifests.capture.related import index, related
from workers.manifests.capture.resource_filter import names_of, unmatched
from workers.manifests.capture.scope import MARKED, Selection, coverage
from workers.manifests.capture.unmounted import unmounted
from workers.manifests.capture.volume_plan import Planned, lost_claims
from workers.manifests.kube.listing import Listing, read
from workers.manifests.kube.objects import (
    KOTSADM,
    NAMESPACE,
    POD,
    is_excluded,
    is_going,
    kind_of,
    labels_of,
    name_of,
    slug_of,
    title,
    uid_of,
)
from workers.manifests.kube.own import is_set_up
from workers.manifests.kube.types import capturable
from workers.ports import Cluster

FIRST = ("pods", "persistentvolumeclaims", "persistentvolumes")
"""Velero's backup order begins with these."""


def capture(cluster: Cluster, selections: Sequence[Selection], *, patient: bool = True) -> Captured:
    """The selected objects and what they bring along, with their owners, in backup order.

    Discovers once, and lists each kind once in each namespace. An API group whose kinds cannot be discovered, and a
    kind that cannot be listed, is an error in the result. Raises TransientError where trying again may help; without
    being `patient`, only if the core group cannot be listed."""
    found = cluster.discover()
    types = capturable(found.types)
    namespaces = (name for selection in selections for name in selection.namespaces)
    listing = read(cluster, types, namespaces, patient=patient)
    taking = _Taking(listing)
    for selection in sorted(selections, key=lambda selection: selection.rest):
        taking.select(selection)
    captured = taking.captured(_order(selections), any(selection.default_volumes for selection in selections))
    captured.errors[:0] = [_unreadable(group, why) for group, why in sorted(found.unreadable.items())]
    captured.warnings.extend(_unmatched(selections, found))
    known = [type_ for type_ in types if type_.group_resource not in listing.unread]
    return replace(captured, covers=coverage(selections, known, whole=not (listing.unread or found.unreadable)))


class _Taking:
    """What has been taken so far, and for whom."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._indexes = index(listing)
        self._candidates = Candidates(listing)
        self._closed = {name_of(namespace)[1] for namespace in listing.of("namespaces") if is_excluded(namespace)}
        self._owners: dict[str, set[str]] = defaultdict(set)
        self._contributors: set[str] = set()
        self._marked: set[str] = set()  # uids of what may be anybody's, as it carries the mark alone
        self._going: dict[str, Object] = {}
        self._missing: dict[str, Message] = {}

    def select(self, selection: Selection) -> None:
        """Takes all that the selection matches, and the namespaces that it names."""
        for uid, obj in self._candidates.of(selection):
            if selection.rest and self._owners.get(uid):
                continue
            if _selects(selection, self._listing.types[uid], obj):
                owners = _owners(obj, selection)
                self._take(obj, selection, owners)
                if owners <= self._owners.get(uid, set()) and counts(obj):
                    self._contribute(obj, selection, owners)
        for name in selection.named:
            self._take_namespace(name, selection)

    def captured(self, order: dict[str, dict[str, int]], default_volumes: bool) -> Captured:
        """The outcome; `order` puts the named objects of a kind first."""
        listing = self._listing
        uids = sorted(self._owners, key=lambda uid: _place(listing.types[uid], listing.objects[uid], order))
        objects = [listing.objects[uid] for uid in uids]
        lost = _lost(list(self._going.values()), objects, default_volumes)
        untold, missed = unmounted(objects, self._going.values(), listing.of("persistentvolumeclaims"))
        return Captured(
            objects=objects,
            owners={uid: sorted(self._owners[uid]) for uid in uids},
            contributors=self._contributors | self._sole_owners(),
            warnings=[*map(_going, self._going.values()), *lost.warnings, *untold],
            errors=[*listing.errors, *self._missing.values(), *lost.errors, *missed],
        )

    def _contribute(self, obj: Object, selection: Selection, owners: set[str]) -> None:
        """Notes whose object it is, if that is certain: where several are in one namespace, the mark does not say."""
        labels = labels_of(obj)
        if slug_of(obj) or any(selector != MARKED and selector.matches(labels) for selector in selection.selectors):
            self._contributors |= owners
        else:
            self._marked.add(uid_of(obj))

    def _sole_owners(self) -> set[str]:
        """To whom marked objects belong, of those that belong to one alone."""
        return {owner for uid in self._marked if len(self._owners[uid]) == 1 for owner in self._owners[uid]}

    def _take(self, obj: Object, selection: Selection, owners: set[str]) -> None:
        """Takes the object and, transitively, what it brings along. Selectors count for the first one only."""
        left = [obj]
        while left:
            obj = left.pop()
            if not self._may_take(obj, selection) or (is_set_up(obj) and owners != {CONSOLE}):
                continue
            uid = uid_of(obj)
            if is_going(obj):
                self._going[uid] = obj
                continue
            if owners <= self._owners[uid]:
                continue
            self._owners[uid] |= owners
            left.extend(related(obj, self._listing.types[uid], self._listing, self._indexes))

    def _may_take(self, obj: Object, selection: Selection) -> bool:
        namespace, name = name_of(obj)
        if namespace in self._closed or is_never_captured(obj, self._listing.find("services", namespace, name)):
            return False
        if kind_of(obj) == NAMESPACE:
            return True
        type_ = self._listing.types[uid_of(obj)]
        inside = selection.covers(namespace) if type_.namespaced else selection.cluster_resources is not False
        return inside and selection.resources.allows(type_)

    def _take_namespace(self, name: str, selection: Selection) -> None:
        namespace = self._listing.find("namespaces", "", name)
        if namespace:
            self._take(namespace, selection, {selection.owner})
        elif "namespaces" not in self._listing.unread and selection.covers(name):
            text = (
                f"namespace {name}, where {selection.owner} should be, is not there; create it, or register "
                "the application without it"
            )
            self._missing[name] = Message(code=Code.NOT_CAPTURED, text=text, subject=name)


def _selects(selection: Selection, type_: ResourceType, obj: Object) -> bool:
    """Whether the object itself is selected, before anything that is never taken is left out."""
    namespace, name = name_of(obj)
    if type_.namespaced:
        inside = selection.covers(namespace)
    elif type_.group_resource == "namespaces":
        inside = selection.covers(name)
    else:
        inside = selection.cluster_resources or (selection.cluster_resources is None and ALL in selection.namespaces)
    labels = labels_of(obj)
    selected = inside and any(selector.matches(labels) for selector in selection.selectors)
    return selected and slug_of(obj) not in selection.left_out


def _owners(obj: Object, selection: Selection) -> set[str]:
    """Whom the object belongs to: what its labels say, as KOTS would restore it, else who selected it."""
    if not selection.labels_win:
        return {selection.owner}
    said = {CONSOLE} if labels_of(obj).get(KOTSADM) == "true" else set()
    if slug := slug_of(obj):
        said.add(slug)
    return said or {selection.owner}


def _order(selections: Sequence[Selection]) -> dict[str, dict[str, int]]:
    """orderedResources: kind -> `namespace/name` (or `name`) -> place."""
    wanted = {kind.strip().lower(): names for s in selections for kind, names in s.ordered_resources.items()}
    return {
        kind: {name.strip(): place for place, name in enumerate(names.split(","))} for kind, names in wanted.items()
    }


def _place(type_: ResourceType, obj: Object, order: dict[str, dict[str, int]]) -> tuple[object, ...]:
    """Backup order: pods, claims and volumes, the rest of the core group, other groups; by name within a kind."""
    wanted = next((order[name] for name in names_of(type_) if name in order), {})
    first = FIRST.index(type_.group_resource) if type_.group_resource in FIRST else len(FIRST)
    namespace, name = name_of(obj)
    place = wanted.get(f"{namespace}/{name}" if namespace else name, len(wanted))
    return (bool(type_.group), first, type_.group, type_.plural, place, namespace, name)


def _unreadable(group: str, why: str) -> Message:
    text = f"API group {group} could not be read, so nothing of it is in the backup: {why}"
    return Message(code=Code.NOT_CAPTURED, text=text, subject=group)


def _unmatched(selections: Sequence[Selection], found: Discovery) -> Iterator[Message]:
    """A misspelt name in a list takes nothing, or leaves nothing out."""
    for selection in selections:
        names = {*selection.resources.names(), *_order([selection])}
        for name, meant in unmatched(names, found.types):
            if name.partition(".")[2] in found.unreadable:
                continue
            meant = f"; is {meant!r} meant?" if meant else ""
            text = f"{selection.owner}: its Backup resource names {name!r}, which is no kind of this cluster{meant}"
            yield Message(code=Code.NO_SUCH_KIND, text=text, subject=name)


def _going(obj: Object) -> Message:
    text = f"{title(obj)} is being deleted, and is not in the backup"
    return Message(code=Code.BEING_DELETED, text=text, subject=title(obj))


def _lost(going: list[Object], taken: list[Object], default_volumes: bool) -> Planned:
    """Claims that are mounted only by a pod that is being deleted: their data is in no volume of the backup."""
    ending, staying = ([obj for obj in objects if kind_of(obj) == POD] for objects in (going, taken))
    return lost_claims(ending, staying, default_volumes)
