"""A cluster at one moment: what was read once is not asked for again, and nothing can be changed."""

import threading
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn

from schemas.errors import NotFound
from schemas.kubernetes import Discovery, Object, ResourceType
from workers.ports import Cluster


class OneLook:
    """Reads from `cluster`, each list and object once. Fits the port; to write through it is a RuntimeError. Safe for
    threads: two that ask for the same at once may both be answered by the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._lists: dict[tuple[str, str | None, str | None], list[Object]] = {}
        self._objects: dict[tuple[str, str | None, str], Object | NotFound] = {}

    @cached_property
    def _discovery(self) -> Discovery:
        return self._cluster.discover()

    def discover(self) -> Discovery:
        """See the port; asked once."""
        return self._discovery

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port; read whole, once."""
        key = (type_.group_resource, namespace, selector)
        with self._lock:
            found = self._lists.get(key)
        if found is None:
            found = [*self._cluster.list(type_, namespace, selector)]
            with self._lock:
                self._lists[key] = found
        return iter(found)

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port; asked once, also for what is not there."""
        key = (type_.group_resource, namespace, name)
        with self._lock:
            found = self._objects.get(key)
        if found is None:
            try:
                found = self._cluster.get(type_, namespace, name)
            except NotFound as error:
                found = error
            with self._lock:
                self._objects[key] = found
        if isinstance(found, NotFound):
            raise found
        return found

    def _refuse(self, *_given: Any, **_named: Any) -> NoReturn:
        raise RuntimeError("a plan changes nothing")

    create = patch = delete = exec = _refuse
