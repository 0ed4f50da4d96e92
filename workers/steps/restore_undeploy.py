"""restore.prepare, for one owner: deletes what a restore replaces, and waits until it is gone.

An owner whose objects will not go is left as it was: what was deleted of it is put back, and nothing of it is restored.
The others are restored all the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet, PermanentError
from schemas.job import Job, safety_snapshot
from schemas.messages import Message, brief, told
from schemas.records import Began, OwnerEnded, RestorePlan, RestoreRequest, Undeploy, Undeployed
from workers.jobs import ledger, owners, progress, safety_snapshots
from workers.jobs.results import give_up_owner, give_up_volume
from workers.manifests.capture.document import decode_manifest
from workers.manifests.restore.undeploy import Left, delete_in_phases, put_back, release, still_there
from workers.manifests.restore.waiting_pods import clear_away
from workers.ports import Cluster, Destinations, ObjectStore

BUSY = timedelta(minutes=2)
"""How long putting back is tried again."""
CLAIMS = "persistentvolumeclaims"


@dataclass(frozen=True)
class UndeployNeeds:
    """What undeploying needs. `patience` is how long what is deleted may take to be gone."""

    destinations: Destinations
    cluster: Cluster
    patience: timedelta
    now: Callable[[], datetime]


def undeploy(event: e.CloudEvent[e.RestoreUndeployRequested], needs: UndeployNeeds) -> Iterator[e.Event]:
    """The owner's next step: `restore.prepared`; or `restore.applied`, if its objects would not go. Raises NotYet while
    anything is left."""
    asked = event.data
    job, store = asked.job, needs.destinations.store(asked.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    step = progress.next_of_owner(store, job, asked.destination, asked.owner)
    if isinstance(step, e.RestoreUndeployRequested):
        if safety_snapshots.unfinished(store, ledger.read(store, keys.plan(job), RestorePlan)):
            return  # its end leads on
        yield from _undeploy(asked, store, needs)
        step = progress.next_of_owner(store, job, asked.destination, asked.owner)
    yield step


def give_up(
    event: e.CloudEvent[e.RestoreUndeployRequested], reason: Message, needs: UndeployNeeds
) -> Iterator[e.Event]:
    """Records that nothing of the owner's is restored, and puts back what was deleted of it; the others go on. Raises
    NotYet while that may work a little later."""
    asked = event.data
    store = needs.destinations.store(asked.destination)
    plan = ledger.read(store, keys.plan(asked.job), RestorePlan)
    lost: list[Message] = []
    if asked.owner in owners.to_put_back(store, asked.job, plan):
        fixed = ledger.read(store, keys.undeploy(asked.job), Undeploy)
        try:
            lost = _what_was(asked, store, fixed, needs)
        except PermanentError as error:
            lost = [told(error)]
    yield give_up_owner(store, asked.job, asked.destination, asked.owner, reason, needs.now(), lost)


def _undeploy(asked: e.RestoreUndeployRequested, store: ObjectStore, needs: UndeployNeeds) -> Iterator[e.Event]:
    """Deletes; raises NotYet while anything is left. Records that all is gone, or that the owner was left as it was."""
    job, owner = asked.job, asked.owner
    fixed = ledger.read(store, keys.undeploy(job), Undeploy)
    plan = ledger.read(store, keys.plan(job), RestorePlan)
    ledger.read(store, keys.request(job), RestoreRequest)  # without which nothing would be created
    clear_away(needs.cluster, safety_snapshot(job).name)
    if problem := safety_snapshots.lacking(store, plan, fixed, owner):
        ended = OwnerEnded(given_up=True, errors=[problem], finished_at=needs.now())
        ledger.create(store, keys.owner_ended(job, owner), ended)
        return
    if not ledger.exists(store, keys.stage_began(job, "put-back", owner)):
        waited = _waited(job, "undeployed", owner, store, needs)  # says that from now on something may be gone
        release([ref for ref in fixed.released if ref.owner == owner], fixed, needs.cluster)
        left = delete_in_phases([ref for ref in fixed.objects if ref.owner == owner], needs.cluster)
        if left and waited <= needs.patience:
            ledger.pulse(store, job)
            raise NotYet(f"waiting for {_named(left)} to be gone")
        if all(each.ref.group_resource == CLAIMS for each in left):
            yield from _without(left, asked, store, needs)
            ledger.create(store, keys.undeployed(job, owner), Undeployed(finished_at=needs.now()))
            return
    _put_back(asked, store, fixed, needs)


def _without(
    left: list[Left], asked: e.RestoreUndeployRequested, store: ObjectStore, needs: UndeployNeeds
) -> Iterator[e.Event]:
    """Claims are deleted last of all. Those that will not go are not filled; the rest is restored."""
    for each in left:
        volume = f"{each.ref.namespace}/{each.ref.name}"
        reason = f"its claim is still there {needs.patience} after deletion; look at what mounts it, and its finalizers"
        yield give_up_volume(store, asked.job, asked.destination, volume, reason, needs.now())


def _put_back(asked: e.RestoreUndeployRequested, store: ObjectStore, fixed: Undeploy, needs: UndeployNeeds) -> None:
    """Records how it went. Raises NotYet for what may work a little later."""
    job, owner = asked.job, asked.owner
    left = still_there([ref for ref in fixed.objects if ref.owner == owner], needs.cluster)
    lost = _what_was(asked, store, fixed, needs)
    whose = owners.called(owner)
    text = f"{whose} was not restored: {_named(left)} did not go within {needs.patience}; look at their finalizers"
    told_first = Message(code=Code.NOT_DELETED, text=f"{text}. What had been deleted was put back", subject=owner)
    ended = OwnerEnded(given_up=True, errors=[told_first, *lost], finished_at=needs.now())
    ledger.create(store, keys.owner_ended(job, owner), ended)


def _what_was(
    asked: e.RestoreUndeployRequested, store: ObjectStore, fixed: Undeploy, needs: UndeployNeeds
) -> list[Message]:
    """Puts back what was deleted of the owner; returns what could not be. Raises NotYet for what may work later."""
    job, owner = asked.job, asked.owner
    waited = _waited(job, "put-back", owner, store, needs)
    request = ledger.read(store, keys.request(job), RestoreRequest)
    repository = needs.destinations.repository(asked.destination)
    was = decode_manifest(repository.unseal(store.get(fixed.was), fixed.was))
    outcome = put_back(was, owner, job.name, request.backup, needs.cluster)
    if outcome.later and waited <= BUSY:
        ledger.pulse(store, job)
        raise NotYet(f"putting back: {brief(outcome.later)}")
    return [*outcome.errors, *outcome.later]


def _waited(job: Job, stage: keys.Stage, owner: str, store: ObjectStore, needs: UndeployNeeds) -> timedelta:
    began = ledger.create(store, keys.stage_began(job, stage, owner), Began(at=needs.now()))
    return needs.now() - began.at


def _named(left: list[Left]) -> str:
    return ", ".join(map(str, left[:5])) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
