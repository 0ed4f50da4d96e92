"""The cluster of the simulation: each call is a place to die at, may be refused, and may lose its answer."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from schemas.errors import TransientError
from schemas.kubernetes import Discovery, Object, ResourceType
from tests.simulation.machinery.machines import Machines
from tests.simulation.machinery.network import Network
from tests.support.simulated_store import Faults
from workers.ports import Cluster, ExecResult

T = TypeVar("T")


class SimulatedCluster:
    """The port `Cluster`. `touched` is called before each change with what is to be done, `stirred` after it."""

    def __init__(
        self,
        cluster: Cluster,
        machines: Machines,
        network: Network,
        touched: Callable[[str, ResourceType | None, str, str], None],
        stirred: Callable[[], None],
    ) -> None:
        self._cluster, self._machines, self._network = cluster, machines, network
        self._touched, self._stirred = touched, stirred
        self.faults = Faults()
        self.counts: dict[str, int] = {}

    def discover(self) -> Discovery:
        """See the port."""
        return self._ask("discover", self._cluster.discover)

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port."""
        return iter(
            self._ask(f"list {type_.group_resource}", lambda: list(self._cluster.list(type_, namespace, selector)))
        )

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port."""
        return self._ask(f"get {type_.group_resource}", lambda: self._cluster.get(type_, namespace, name))

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """See the port."""
        where = obj["metadata"].get("namespace", ""), obj["metadata"].get("name", "")
        return self._change("create", type_, where, lambda: self._cluster.create(type_, obj))

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """See the port."""
        return self._change(
            "patch",
            type_,
            (namespace or "", name),
            lambda: self._cluster.patch(type_, namespace, name, patch, status=status),
        )

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
        self._change(
            "delete",
            type_,
            (namespace or "", name),
            lambda: self._cluster.delete(type_, namespace, name, uid=uid, grace_seconds=grace_seconds),
        )

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        """See the port."""
        return self._change(
            "exec",
            None,
            (namespace, pod),
            lambda: self._cluster.exec(namespace, pod, container, command, deadline=deadline, limit=limit),
        )

    def _change(self, how: str, type_: ResourceType | None, where: tuple[str, str], act: Callable[[], T]) -> T:
        def change() -> T:
            self._touched(how, type_, *where)
            try:
                return act()
            finally:
                self._stirred()

        kind = type_.group_resource if type_ else "pods"
        return self._ask(f"{how} {kind} {where[0]}/{where[1]}", change)

    def _ask(self, what: str, act: Callable[[], T]) -> T:
        verb = what.partition(" ")[0]
        self.counts[verb] = self.counts.get(verb, 0) + 1
        machines = self._machines
        machines.step(f"cluster: {what}")
        self._network.ask("cluster", what)
        draw = machines.random.random() if machines.actor else 1.0
        if draw < self.faults.refused:
            raise TransientError(f"503 at {what}; try again")
        result = act()
        machines.step()
        if draw < self.faults.refused + self.faults.lost:
            raise TransientError(f"no answer to {what}; try again")
        return result
