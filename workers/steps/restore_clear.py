"""restore.finalize, last of all: when a restore has ended, however that came, what it left in the cluster goes.

The running marker goes after that, so that the watchdog tells the end again until it is done.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas import events as e
from workers.jobs import endings
from workers.manifests.restore.waiting_pods import clear_away
from workers.ports import Cluster, Destinations


@dataclass(frozen=True)
class ClearNeeds:
    """What clearing away needs."""

    destinations: Destinations
    cluster: Cluster


def clear(event: e.CloudEvent[e.RestoreFinal], needs: ClearNeeds) -> Iterator[e.Event]:
    """Tells nothing: the end has been told. An end that is only claimed, and in no record, changes nothing."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if endings.ended(store, job) is not None:
        clear_away(needs.cluster, job.name)
        endings.close(store, job)
    yield from ()
