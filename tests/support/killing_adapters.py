"""The store and the cluster of a worker that dies just before or just after it changes something."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol

from schemas.kubernetes import Discovery, Object, ResourceType
from tests.support.kill_places import place_of
from workers.ports import Cluster, Destinations, ExecResult, ObjectStore, Repository, StoredObject


class Killer(Protocol):
    """See tests.support.killing."""

    def at(self, point: str, place: str, most: int = ...) -> None: ...


MOST_FOR_OBJECTS = 3
"""Messages are spared sooner where an object of the cluster changes, so that there is a life left for each record."""


def _around(killer: Killer, place: str, change: Any, **most: int) -> Any:
    killer.at("before-change", place, **most)
    result = change()
    killer.at("after-change", place, **most)
    return result


class KillingStore:
    """Dies around the writing of records."""

    def __init__(self, store: ObjectStore, killer: Killer) -> None:
        self._store, self._killer = store, killer

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._store.get(key, start, length)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self._store.list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        return self._store.names(prefix)

    def put(self, key: str, body: bytes | bytearray) -> None:
        _around(self._killer, place_of("write", key, body), lambda: self._store.put(key, body))

    def create(self, key: str, body: bytes) -> bool:
        return bool(_around(self._killer, place_of("write", key, body), lambda: self._store.create(key, body)))

    def delete(self, key: str) -> None:
        _around(self._killer, place_of("delete", key), lambda: self._store.delete(key))


class KillingDestinations:
    """Destinations with stores to die at. What repositories write is no record."""

    def __init__(self, destinations: Destinations, killer: Killer) -> None:
        self._destinations, self._killer = destinations, killer

    def names(self) -> list[str]:
        return self._destinations.names()

    def defaults(self) -> list[str]:
        return self._destinations.defaults()

    def store(self, name: str) -> ObjectStore:
        return KillingStore(self._destinations.store(name), self._killer)

    def repository(self, name: str) -> Repository:
        return self._destinations.repository(name)


class KillingCluster:
    """Dies around what changes the cluster, and around commands in pods."""

    def __init__(self, cluster: Cluster, killer: Killer) -> None:
        self._cluster, self._killer = cluster, killer

    def discover(self) -> Discovery:
        return self._cluster.discover()

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        return self._cluster.list(type_, namespace, selector)

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        return self._cluster.get(type_, namespace, name)

    def create(self, type_: ResourceType, obj: Object) -> Object:
        made: Object = self._around("create", type_, lambda: self._cluster.create(type_, obj))
        return made

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        changed: Object = self._around(
            "patch", type_, lambda: self._cluster.patch(type_, namespace, name, patch, status=status)
        )
        return changed

    def delete(
        self,
        type_: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        self._around(
            "delete",
            type_,
            lambda: self._cluster.delete(type_, namespace, name, uid=uid, grace_seconds=grace_seconds),
        )

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        ran: ExecResult = _around(
            self._killer,
            "exec",
            lambda: self._cluster.exec(namespace, pod, container, command, deadline=deadline, limit=limit),
            most=MOST_FOR_OBJECTS,
        )
        return ran

    def _around(self, how: str, type_: ResourceType, change: Any) -> Any:
        return _around(self._killer, f"{how} {type_.group_resource}", change, most=MOST_FOR_OBJECTS)
