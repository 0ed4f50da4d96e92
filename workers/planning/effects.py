"""What a restore would do to each object: deleted for good, replaced, created, made again by its controller, or left
as it is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.kubernetes import Object
from schemas.records import LiveRef
from workers.manifests.kube.listing import Listing, read
from workers.manifests.kube.objects import POD, Kind, Name, controller_of, kind_of, name_of, title, uid_of
from workers.manifests.kube.types import capturable
from workers.manifests.restore.compare import essence, same
from workers.manifests.restore.left_to_controllers import left_to_controllers
from workers.manifests.restore.sanitise import skip_reason
from workers.manifests.restore.undeploy import Chosen
from workers.manifests.restore.versions import Served, fitted, served
from workers.ports import Cluster

Effect = Literal["deleted", "replaced", "created", "remade", "left"]
"""`deleted` does not come back; what is `remade` is deleted, and its controller makes it again."""


@dataclass(frozen=True)
class Fate:
    """What becomes of one object. `live` is what is there, `wanted` what would be created of it, as captured; either
    may be None. Of what is left or deleted `why` says why, where that is not plain."""

    effect: Effect
    kind: str
    namespace: str
    name: str
    owner: str
    live: Object | None = None
    wanted: Object | None = None
    why: str = ""

    @property
    def differs(self) -> bool:
        """Whether what is there and what is in the backup say different things."""
        return self.live is not None and self.wanted is not None and not same(self.live, self.wanted)

    def said(self) -> tuple[Object, Object]:
        """What the live object and the wanted one say, to compare: without what servers and restores set."""
        return essence(self.live) if self.live else {}, essence(self.wanted) if self.wanted else {}


def effects(chosen: Chosen, created: Mapping[str, Iterable[Object]], cluster: Cluster) -> list[Fate]:
    """Of everything that is deleted, and of what is `created` of each owner (as captured, without what is refused)."""
    objects = [(owner, obj) for owner, each in created.items() for obj in each]
    live, kinds = _live([obj for _, obj in objects], cluster), served(cluster.discover())
    deleted = {ref.uid: ref for ref in chosen.deleted}
    by_controllers = left_to_controllers(obj for _, obj in objects)
    fates, met = list[Fate](), set[str]()
    for owner, obj in objects:
        fate = _of_captured(obj, owner, live, kinds, deleted, by_controllers)
        if fate is not None:
            fates.append(fate)
            met |= {uid_of(fate.live)} if fate.live else set()
    returning = {uid_of(each.live) for each in fates if each.effect == "replaced" and each.live}
    fates += _of_deleted(chosen, deleted, met, returning)
    return fates


def _of_captured(
    obj: Object,
    owner: str,
    live: Mapping[tuple[Kind, Name], Object],
    kinds: Served,
    deleted: Mapping[str, LiveRef],
    by_controllers: set[Name],
) -> Fate | None:
    """None for what the lists of what is deleted tell: a pod that its controller makes."""
    there = live.get((kind_of(obj), name_of(obj)))
    goes = there is not None and uid_of(there) in deleted
    if kind_of(obj) == POD and name_of(obj) in by_controllers:
        return None
    if reason := skip_reason(obj):
        return None if goes else _fate("left", obj, owner, there, why=f"not restored: {reason}")
    found = fitted(obj, kinds.get(kind_of(obj), []))
    wanted = found[1] if found else obj
    if there is None:
        return _fate("created", obj, owner, None, wanted)
    if goes:
        return _fate("replaced", obj, owner, there, wanted)
    fate = _fate("left", obj, owner, there, wanted, "it is there")
    return _fate("left", obj, owner, there, wanted, "it is there, and is not replaced") if fate.differs else fate


def _of_deleted(chosen: Chosen, deleted: Mapping[str, LiveRef], met: set[str], returning: set[str]) -> Iterator[Fate]:
    for ref in chosen.deleted:
        if ref.uid in met:
            continue
        obj = chosen.objects[ref.uid]
        top = _topmost(obj, chosen.objects)
        if ref.why == "newer":
            yield _fate("deleted", obj, ref.owner, obj, why="it came after the backup")
        elif controller_of(obj) and top in returning:
            yield _fate("remade", obj, ref.owner, obj)
        else:
            above = deleted.get(top)
            why = f"it hangs on {title(chosen.objects[top])}" if above and top != ref.uid else "it is not in the backup"
            yield _fate("deleted", obj, ref.owner, obj, why=why)


def _topmost(obj: Object, deleted: Mapping[str, Object]) -> str:
    """The uid of what an object hangs on in the end, among what is deleted."""
    seen = {uid_of(obj)}
    while above := [each["uid"] for each in obj["metadata"].get("ownerReferences") or [] if each["uid"] in deleted]:
        if above[0] in seen:
            break
        seen.add(above[0])
        obj = deleted[above[0]]
    return uid_of(obj)


def _live(objects: list[Object], cluster: Cluster) -> dict[tuple[Kind, Name], Object]:
    wanted = {kind_of(obj) for obj in objects}
    namespaces = {name_of(obj)[0] for obj in objects} - {""}
    types = [type_ for type_ in capturable(cluster.discover().types) if (type_.group, type_.kind) in wanted]
    found: Listing = read(cluster, types, namespaces)
    return {(kind_of(obj), name_of(obj)): obj for obj in found.objects.values()}


def _fate(
    effect: Effect, obj: Object, owner: str, live: Object | None, wanted: Object | None = None, why: str = ""
) -> Fate:
    namespace, name = name_of(obj)
    return Fate(effect, obj["kind"], namespace, name, owner, live, wanted, why)
