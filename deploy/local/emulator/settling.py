"""Runs the controllers after every write that concerns them, until nothing changes any more."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from deploy.local.emulator import furnishing, owners, scheduler, volumes, workloads
from deploy.local.emulator.kubelet import Kubelets
from schemas.errors import SnaplineError
from schemas.kubernetes import (
    CLAIMS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    VOLUMES,
    Object,
    ResourceType,
)
from workers.adapters.twins.cluster import MemoryCluster

WATCHED = frozenset({NAMESPACES, PODS, CLAIMS, VOLUMES, SERVICES, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS})
POLL = 0.05
"""Seconds between looks at files that pods wait for."""
ROUNDS = 50
"""Runs of all controllers before they are taken to be at odds with each other."""

log = logging.getLogger(__name__)


def concerns(type_: ResourceType, obj: Object) -> bool:
    """Whether a write can give the controllers anything to do: to what they watch, or the end of an owner."""
    return type_ in WATCHED or "deletionTimestamp" in obj["metadata"]


class Settling:
    """All controllers of one emulated cluster."""

    def __init__(
        self, cluster: MemoryCluster, root: Path, nodes: Sequence[str], pod_gone: Callable[[str], None]
    ) -> None:
        self._cluster = cluster
        self._kubelets = Kubelets(root, nodes, pod_gone)
        self._controllers: list[Callable[[MemoryCluster], None]] = [
            furnishing.furnish,
            workloads.deployments,
            workloads.replica_sets,
            workloads.stateful_sets,
            scheduler.schedule,
            partial(volumes.bind, root=root),
            self._kubelets.run,
            partial(volumes.release, root=root),
            owners.collect,
        ]

    async def run(self, stirred: asyncio.Event) -> None:
        """Settles whenever `stirred` is set, and every 50 ms while a pod waits for a file."""
        while True:
            stirred.clear()
            self.settle()
            timeout = POLL if self.waiting else None
            try:
                await asyncio.wait_for(stirred.wait(), timeout)
            except TimeoutError:
                continue

    @property
    def waiting(self) -> bool:
        """Whether a pod waits for a file, which nobody announces."""
        return self._kubelets.waiting

    def settle(self) -> None:
        """Runs every controller until none writes."""
        for _ in range(ROUNDS):
            before = self._cluster.writes
            for controller in self._controllers:
                self._guarded(controller)
            if self._cluster.writes == before:
                return
        log.warning("the emulated controllers have not settled after %d rounds", ROUNDS)

    def _guarded(self, controller: Callable[[MemoryCluster], None]) -> None:
        """An object that a controller cannot work with must not stop the others; a lost race is run again."""
        try:
            controller(self._cluster)
        except SnaplineError as error:
            log.debug("%s: %s", controller, error)
        except (KeyError, TypeError, AttributeError, OSError):
            log.exception("an object could not be worked with")
