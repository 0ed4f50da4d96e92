"""Reading the live objects of many kinds, several kinds at a time, each object once."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from schemas.errors import Code, PermanentError, SnaplineError, TransientError
from schemas.kubernetes import Object, ResourceType
from schemas.messages import Message
from schemas.velero import ALL
from workers.manifests.kube.objects import Name, name_of, uid_of
from workers.ports import Cluster

PARALLEL = 8
"""LIST requests at a time: enough to hide the network, few enough for any API server."""


@dataclass
class Listing:
    """Live objects by uid, in the order of their kinds; and the kinds that could not be read."""

    objects: dict[str, Object] = field(default_factory=dict)
    types: dict[str, ResourceType] = field(default_factory=dict)
    """The kind of an object, by its uid."""
    errors: list[Message] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Velero's names of the kinds in `errors`."""
    _named: dict[tuple[str, Name], Object] = field(default_factory=dict)

    def add(self, type_: ResourceType, obj: Object) -> None:
        """Keeps the object, unless it has been listed already as a kind of another group."""
        uid = uid_of(obj)
        if uid not in self.objects:
            self.objects[uid] = obj
            self.types[uid] = type_
        self._named.setdefault((type_.group_resource, name_of(obj)), self.objects[uid])

    def find(self, group_resource: str, namespace: str, name: str) -> Object | None:
        """The object of that name."""
        return self._named.get((group_resource, (namespace, name)))

    def of(self, group_resource: str) -> Iterator[Object]:
        """All objects of a kind."""
        for uid, type_ in self.types.items():
            if type_.group_resource == group_resource:
                yield self.objects[uid]


def read(
    cluster: Cluster, types: Iterable[ResourceType], namespaces: Iterable[str], *, patient: bool = True
) -> Listing:
    """All objects of `types`: in `namespaces` (`*` is all of them), or cluster-wide where a kind is.

    A kind that cannot be listed is named in `errors`. TransientError is passed on; without being `patient`, only that
    of a kind in the core group, since other groups may be away for days and hurt nobody else."""
    names = sorted(set(namespaces))
    places: list[str | None] = [None] if ALL in names else list(names)
    wanted = [(type_, place) for type_ in types for place in (places if type_.namespaced else [None])]
    listing = Listing()
    answers = _pool().map(lambda asked: _list(cluster, *asked, patient=patient), wanted)
    for (type_, _), (objects, error) in zip(wanted, answers, strict=True):
        for obj in objects:
            listing.add(type_, obj)
        if error and type_.group_resource not in listing.unread:
            listing.unread.add(type_.group_resource)
            listing.errors.append(error)
    return listing


@cache
def _pool() -> ThreadPoolExecutor:
    """The process's threads for lists: to start some for each capture costs as much as a few lists."""
    return ThreadPoolExecutor(PARALLEL, thread_name_prefix="list")


def _list(
    cluster: Cluster, type_: ResourceType, namespace: str | None, *, patient: bool
) -> tuple[list[Object], Message | None]:
    try:
        return list(cluster.list(type_, namespace)), None
    except PermanentError as error:
        return [], _unread(type_, error)
    except TransientError as error:
        if patient or not type_.group:
            raise
        return [], _unread(type_, error)


def _unread(type_: ResourceType, error: SnaplineError) -> Message:
    text = f"{type_.group_resource} could not be read, so none is in the backup: {error}"
    return Message(code=Code.NOT_CAPTURED, text=text, subject=type_.group_resource)
