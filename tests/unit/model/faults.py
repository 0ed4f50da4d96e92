"""What may happen to a step at one of its effects: killed, refused, answered too late, or others act in between."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from schemas.errors import TransientError
from schemas.kubernetes import Discovery, Object, ResourceType
from tests.support.repositories import Killed, WrappedStore
from workers.ports import Cluster, ExecResult, ObjectStore, StoredObject

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What happens at the `at`-th effect (from 1) of a delivery."""

    what: Literal["killed before", "killed after", "refused", "lost", "meanwhile"]
    at: int


class Meddler:
    """Counts the effects of the delivery that runs. `meanwhile` is what others do then."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self._fault: Fault | None = None
        self._done = 0

    def begin(self, fault: Fault | None) -> tuple[Fault | None, int]:
        """A delivery begins; give `end` what it returns."""
        before = self._fault, self._done
        self._fault, self._done = fault, 0
        return before

    def end(self, before: tuple[Fault | None, int]) -> None:
        """It is over; the one around it goes on."""
        self._fault, self._done = before

    def effect(self, act: Callable[[], T]) -> T:
        """Does it, unless the fault is due. Who was killed does nothing more."""
        if threading.current_thread().name == "pulse":
            return act()  # by the clock of this machine, which a busy one would let fall anywhere
        self._done += 1
        what = self._fault.what if self._fault and self._fault.at == self._done else ""
        dead = self._fault and self._fault.what.startswith("killed") and self._fault.at < self._done
        if what == "killed before" or dead:
            raise Killed
        if what == "refused":
            raise TransientError("the network is away")
        if what == "meanwhile":
            self.meanwhile()
        result = act()
        if what == "killed after":
            raise Killed
        if what == "lost":
            raise TransientError("no answer came")
        return result


class MeddledStore(WrappedStore):
    """The port `ObjectStore`. `seen` is called with each key before it is created, or after it was deleted."""

    def __init__(self, store: ObjectStore, meddler: Meddler, seen: Callable[[str], None]) -> None:
        super().__init__(store)
        self._meddler, self._seen = meddler, seen

    def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
        """Nothing is noted."""

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        self._meddler.effect(lambda: self.store.put(key, body))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        self._seen(key)
        return self._meddler.effect(lambda: self.store.create(key, body))

    def delete(self, key: str) -> None:
        """See the port."""
        self._meddler.effect(lambda: self.store.delete(key))
        self._seen(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        return self.store.list(prefix)


class MeddledCluster:
    """The port `Cluster`. `touched` is called before each change."""

    def __init__(self, cluster: Cluster, meddler: Meddler, touched: Callable[[], None]) -> None:
        self._cluster, self._meddler, self._touched = cluster, meddler, touched

    def discover(self) -> Discovery:
        """See the port."""
        return self._cluster.discover()

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port."""
        return self._cluster.list(type_, namespace, selector)

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port."""
        return self._cluster.get(type_, namespace, name)

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """See the port."""
        return self._change(lambda: self._cluster.create(type_, obj))

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """See the port."""
        return self._change(lambda: self._cluster.patch(type_, namespace, name, patch, status=status))

    def delete(
        self,
        type_: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """See the port."""
        self._change(lambda: self._cluster.delete(type_, namespace, name, uid=uid, grace_seconds=grace_seconds))

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        """See the port."""
        return self._change(
            lambda: self._cluster.exec(namespace, pod, container, command, deadline=deadline, limit=limit)
        )

    def _change(self, act: Callable[[], T]) -> T:
        def change() -> T:
            self._touched()
            return act()

        return self._meddler.effect(change)
