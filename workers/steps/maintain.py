"""repository.maintain: deletes backups, reclaims space."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code, Locked, SnaplineError
from schemas.job import Job
from schemas.messages import Message, shortened, told
from schemas.records import BackupRecord, Tombstone
from workers.copies import wanted as wanted_copies
from workers.jobs import default_destination as default
from workers.jobs import ledger, upkeep
from workers.jobs.background import Background
from workers.jobs.room import WithRoom
from workers.ports import Destinations, ObjectStore, Pruned, Repository
from workers.retention import locked
from workers.retention.burial import bury
from workers.retention.finals import Finals


@dataclass(frozen=True)
class MaintainNeeds:
    """What upkeep needs. A deletion waits for a `moment` whether others come, to prune once for all."""

    destinations: Destinations
    background: Background = field(default_factory=Background)
    finals: Finals = field(default_factory=Finals)
    moment: timedelta = upkeep.MOMENT


def delete(event: e.CloudEvent[e.BackupDeleteRequested], needs: MaintainNeeds) -> Iterator[e.Event]:
    """Writes the tombstone, looks whether the backup is held or a restore needs it, then deletes the record, the rest,
    its volumes, and what nothing else refers to. Request and tombstone stay. Raises NotYet while that is reclaimed.

    The tombstone comes first, and restores look at it before they begin, as does whoever holds a backup: none begins
    after this has looked. A store that is full takes it in place of the ballast."""
    event = default.named(event, needs.destinations, lambda store: ledger.deleted(store, event.data.job))
    job, destination, wanted = event.data.job, event.data.destination, str(event.data.job)
    repository = needs.destinations.repository(destination)
    store = WithRoom(needs.destinations.store(destination), repository)
    buried = ledger.find(store, keys.deleted(job), Tombstone)
    if buried is not None and buried.reclaimed_bytes is not None and not _unlocked(store, buried):
        yield _deleted(event, _pruned(buried))
        return
    if not ledger.exists(store, keys.wanted_prune(wanted)):
        backups = partial(needs.finals.backups, destination, store)
        if reason := (
            _why_not(store, job)
            or bury(store, job, event.data.expired, backups)
            or _remove_record(store, needs.destinations, event)
        ):
            store.delete(keys.expiring(job))
            yield e.BackupDeleteFailed(backup=job.name, destination=destination, reason=reason)
            return
        _remove(store, repository, job)
    upkeep.gather(store, wanted, needs.moment)
    pruned = yield from upkeep.telling(
        event.id, destination, upkeep.prune(store, repository, wanted, destination, needs.background)
    )
    pruned = locked.also(pruned, _remove_rest(store, job))
    buried = ledger.read(store, keys.deleted(job), Tombstone)
    ledger.put(store, keys.deleted(job), buried.model_copy(update=asdict(pruned)))
    upkeep.pruned(store, wanted)
    yield _deleted(event, pruned)


def prune(event: e.CloudEvent[e.RepositoryPruneRequested], sender: str, needs: MaintainNeeds) -> Iterator[e.Event]:
    """Reclaims what no backup refers to. Raises NotYet while that lasts."""
    wanted = jobs.request_uuid(sender, event.source, event.id)
    event = default.named(event, needs.destinations, lambda store: ledger.exists(store, keys.wanted_prune(wanted)))
    destination = event.data.destination
    repository = needs.destinations.repository(destination)
    store = WithRoom(needs.destinations.store(destination), repository)
    pruned = yield from upkeep.telling(
        event.id, destination, upkeep.prune(store, repository, wanted, destination, needs.background)
    )
    yield e.RepositoryPruned(request=event.id, destination=destination, **asdict(pruned))
    upkeep.pruned(store, wanted)


def _unlocked(store: ObjectStore, buried: Tombstone) -> bool:
    """Whether what the store kept of a deleted backup may be free by now: then a second request deletes that, too."""
    if not buried.locked_bytes:
        return False
    return buried.locked_until is None or buried.locked_until <= ledger.clock(store)


def _tell_origin(destinations: Destinations, record: BackupRecord, job: Job, destination: str) -> None:
    """Notes that the copy goes where it was copied from. Nobody relies on that: if that destination is away or gone,
    nothing is noted."""
    if record.copied_from:
        with suppress(SnaplineError):
            wanted_copies.gone(destinations.store(record.copied_from), job, destination)


def _remove_record(
    store: ObjectStore, destinations: Destinations, event: e.CloudEvent[e.BackupDeleteRequested]
) -> Message | None:
    """Deletes the final record, and with it the backup; takes the tombstone away again, and says why, if the store
    keeps the record locked. Puts the tombstone back if another run, which saw the record still, has taken it away."""
    job = event.data.job
    record = ledger.find(store, keys.final(job), BackupRecord)
    if record is None:
        return None
    _tell_origin(destinations, record, job, event.data.destination)
    try:
        store.delete(keys.final(job))
    except Locked as error:
        with suppress(Locked):
            store.delete(keys.deleted(job))
        return told(error)
    if not ledger.deleted(store, job):
        ledger.put(store, keys.deleted(job), Tombstone(volume_ids=[volume.volume_id for volume in record.volumes]))
    return None


def _remove(store: ObjectStore, repository: Repository, job: Job) -> None:
    """Deletes what is the backup's own; safe to repeat. Volumes go after all that names them: one that is named and not
    there would stop other prunes. What the store keeps locked stays."""
    for key in (keys.verified(job), keys.test_restored(job), keys.expiring(job)):
        with suppress(Locked):
            store.delete(key)
    wanted_copies.forget(store, job)
    _remove_rest(store, job)
    repository.forget(ledger.read(store, keys.deleted(job), Tombstone).volume_ids)


def _remove_rest(store: ObjectStore, job: Job) -> list[locked.Kept]:
    """Deletes what lies below the job's key; what the store keeps locked of it."""
    staying = {keys.request(job), keys.deleted(job)}
    return locked.delete(store, [found for found in store.list(keys.of(job)) if found.key not in staying])


def not_deleted(
    event: e.CloudEvent[e.BackupDeleteRequested], reason: Message, needs: MaintainNeeds
) -> Iterator[e.Event]:
    """What is told of a deletion that failed for good."""
    destination = default.place(event, needs.destinations)
    yield e.BackupDeleteFailed(backup=event.data.backup, destination=destination, reason=shortened(reason))


def not_pruned(
    event: e.CloudEvent[e.RepositoryPruneRequested], reason: Message, needs: MaintainNeeds
) -> Iterator[e.Event]:
    """What is told of a prune that failed for good."""
    destination = default.place(event, needs.destinations)
    yield e.RepositoryPruneFailed(request=event.id, destination=destination, reason=shortened(reason))


def _pruned(buried: Tombstone) -> Pruned:
    """What was told of the deletion."""
    return Pruned(
        buried.reclaimed_bytes or 0, buried.young_bytes, buried.young_until, buried.locked_bytes, buried.locked_until
    )


def _deleted(event: e.CloudEvent[e.BackupDeleteRequested], pruned: Pruned) -> e.Event:
    return e.BackupDeleted(backup=event.data.backup, destination=event.data.destination, **asdict(pruned))


def _why_not(store: ObjectStore, job: Job) -> Message | None:
    name = job.name
    if not jobs.is_name(name) or not ledger.exists(store, keys.request(job)):
        return Message(code=Code.NO_SUCH_BACKUP, text=f"there is no backup {name!r:.80}")
    if ledger.deleted(store, job):
        return None  # a second run finishes what the first began
    if not ledger.exists(store, keys.final(job)):
        return Message(code=Code.NOT_FINISHED, text=f"backup {name} is not finished", subject=name)
    return None
