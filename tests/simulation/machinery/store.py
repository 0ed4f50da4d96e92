"""The store of the simulation: as in the repository's own, and it may be away; with a view of it from behind."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from tests.simulation.machinery.network import Network
from tests.support.simulated_store import Faults, SimulatedStore
from tests.support.simulation import Simulation
from workers.adapters.twins.store import MemoryObjectStore, names_below
from workers.ports import StoredObject
from workers.repository.format.layout import INDEX

T = TypeVar("T")


class LineStore(SimulatedStore):
    """`seen` is called with each key just before something is written there, and after it was deleted."""

    def __init__(
        self, simulation: Simulation, network: Network, faults: Faults, seen: Callable[[str, bytes | None], None]
    ) -> None:
        super().__init__(simulation, faults)
        self._network, self._seen = network, seen
        self.counts: dict[str, int] = {}
        self.bytes_read = 0

    def delete(self, key: str) -> None:
        """See the port."""

        def effect(late: bool) -> None:
            if self.objects.pop(key, None):
                self._happened("delete", key, b"", late)
                self._seen(key, None)

        self._write("delete", key, effect)

    def behind(self) -> MemoryObjectStore:
        """The same objects, without any faults, and without giving others a turn."""
        return _Behind(self)

    def _request(self, what: str, key: str, effect: Callable[[], T]) -> T:
        area = "index" if key.startswith(INDEX) else "repository" if key.startswith("repository/") else "records"
        self.counts[f"{what} {area}"] = self.counts.get(f"{what} {area}", 0) + 1

        def through() -> T:
            self._network.ask("store", f"{what} {key}")
            result = effect()
            self.bytes_read += len(result) if isinstance(result, bytes) else 0
            return result

        return super()._request(what, key, through)

    def _put(self, key: str, body: bytes, late: bool) -> None:
        self._seen(key, body)
        super()._put(key, body, late)


class _Behind(MemoryObjectStore):
    def __init__(self, store: SimulatedStore) -> None:
        super().__init__(lambda: store.simulation.now)
        self._objects = self._there = store.objects

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        found = [(key, *self._there[key]) for key in self._there.below(prefix)]
        return (StoredObject(key, len(body), at, f"{hash(body):x}") for key, body, at in found)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port."""
        return names_below(prefix, self._there.below(prefix))
