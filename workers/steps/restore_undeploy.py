"""restore.prepare, second half: deletes what a restore replaces, and waits until it is gone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.job import Job
from schemas.messages import Message
from schemas.records import Began, Undeploy, Undeployed
from workers.jobs import endings, ledger, progress
from workers.manifests.restore.undeploy.delete import delete_in_phases, release
from workers.ports import Cluster, Destinations, ObjectStore


@dataclass(frozen=True)
class UndeployNeeds:
    """What undeploying needs. `patience` is how long what is deleted may take to be gone."""

    destinations: Destinations
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]


def undeploy(event: e.CloudEvent[e.RestorePlanned], needs: UndeployNeeds) -> Iterator[e.Event]:
    """Says that all is gone. Raises NotYet while anything is left, and ends the restore where something will not go."""
    job = event.data.job
    store = needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.undeployed(job)):
        if stuck := _undeploy(job, store, needs):
            yield endings.fail(store, job, needs.now(), stuck)
            return
        ledger.create(store, keys.undeployed(job), Undeployed(finished_at=needs.now()))
    yield from progress.missing(store, job)


def _undeploy(job: Job, store: ObjectStore, needs: UndeployNeeds) -> Message | None:
    """Deletes; raises NotYet while anything is left, and at last says what would not go."""
    fixed = ledger.read(store, keys.undeploy(job), Undeploy)
    began = ledger.create(store, keys.stage_began(job, "undeployed"), Began(at=needs.now()))
    release(fixed, needs.cluster)
    left = delete_in_phases(fixed, needs.cluster)
    if not left:
        return None
    named = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    if needs.now() - began.at > needs.patience:
        text = f"could not replace {named}: still there {needs.patience} after deletion; look at their finalizers"
        return Message(code=Code.NOT_DELETED, text=text)
    ledger.pulse(store, job)
    raise NotYet(f"waiting for {named} to be gone")
