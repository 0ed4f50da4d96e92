"""backup.finalize, after a backup has failed: thaws what its hooks have frozen, even if its node's worker is gone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from schemas import events as e
from workers.hooks import around
from workers.hooks.around import Hooked
from workers.jobs import endings
from workers.jobs.hooks import owing_pods
from workers.ports import Cluster, Destinations


@dataclass(frozen=True)
class ThawNeeds:
    """What running hooks needs."""

    destinations: Destinations
    cluster: Callable[[], Cluster]
    now: Callable[[], datetime]


def thaw(event: e.CloudEvent[e.BackupFailed], needs: ThawNeeds) -> Iterator[e.Event]:
    """Tells nothing: the end has been told. Runs what comes after the copy in each pod that waits for it; a backup
    that ended otherwise owes nothing. Raises NotYet while that cannot be run."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if endings.ended(store, job) is not None:
        repository = partial(needs.destinations.repository, destination)
        for pod in owing_pods(store, job):
            around.after(Hooked(job, pod, store, repository, needs.cluster, needs.now))
    yield from ()
