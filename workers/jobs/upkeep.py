"""Long upkeep of one destination, of each kind one at a time, over all processes: one prune for all who wait for one,
and one verification after the other."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from schemas import keys
from schemas.errors import NotYet, PermanentError
from schemas.messages import Message, prefixed, told
from schemas.records import BackupRecord, Verification, WantedPrune
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.jobs.lease import leased
from workers.ports import ObjectStore, Repository

IN_LINE = timedelta(seconds=5)
"""How long a message rests behind the work of another."""
KEPT: Mapping[str, timedelta] = {
    keys.WANTED_PRUNES: timedelta(days=7),
    keys.VERIFICATIONS: timedelta(days=7),
    keys.ASKED: timedelta(days=30),
    keys.NOTIFICATIONS: timedelta(days=30),
}
"""How long what nobody has fetched is kept, as its message was lost; and what requests have asked for and who was told:
as long as events and dead letters are, so that nothing of them comes a second time."""


def prune(store: ObjectStore, repository: Repository, wanted: str, destination: str, background: Background) -> int:
    """The bytes that a prune has reclaimed which began after this was first called for `wanted`; 0 if that were told to
    another who waited for the same. Raises NotYet before, and what the prune has raised."""
    key = keys.wanted_prune(wanted)
    found = ledger.create(store, key, WantedPrune())
    if found.reclaimed_bytes is None:
        _in_line(store, "prune", destination, background, lambda: _prune(store, repository))
        found = ledger.find(store, key, WantedPrune) or WantedPrune()
    if found.reclaimed_bytes is None:
        raise NotYet("waiting for a prune that is under way", IN_LINE)
    return found.reclaimed_bytes


def pruned(store: ObjectStore, wanted: str) -> None:
    """It is told what the prune has reclaimed."""
    store.delete(keys.wanted_prune(wanted))


def _prune(store: ObjectStore, repository: Repository) -> None:
    waiting = sorted(found.key for found in store.list(keys.WANTED_PRUNES))
    reclaimed = repository.prune(lambda: ledger.volumes_in_use(store))
    for key in waiting:
        standing = ledger.find(store, key, WantedPrune)
        if standing is not None and standing.reclaimed_bytes is None:
            ledger.put(store, key, WantedPrune(reclaimed_bytes=reclaimed))
            reclaimed = 0
    _sweep(store)


def _sweep(store: ObjectStore) -> None:
    """Deletes what has been kept for long enough."""
    now = ledger.clock(store)
    for prefix, kept in KEPT.items():
        for found in list(store.list(prefix)):
            if found.modified < now - kept:
                store.delete(found.key)


def verify(
    store: ObjectStore, repository: Repository, record: BackupRecord, request: str, background: Background
) -> list[Message]:
    """What is wrong with a backup, once every byte of it has been read. Raises NotYet before; then it goes on at the
    volume that it had come to, also after a kill."""
    key = keys.verification(request)
    if not _verification(store, key).finished:

        def work() -> None:
            _verify(store, repository, record, key)

        _in_line(store, "verify", record.destination, background, work, f" for {request}")
    if not (found := _verification(store, key)).finished:
        raise NotYet("waiting for a verification that is under way", IN_LINE)
    return found.problems


def verified(store: ObjectStore, request: str) -> None:
    """It is told what the verification has found."""
    store.delete(keys.verification(request))


def _verify(store: ObjectStore, repository: Repository, record: BackupRecord, key: str) -> None:
    """Records how far it is after each volume."""
    state = _verification(store, key)
    if state.volumes == 0:
        state = Verification(problems=list(_problems_of_manifest(record, store, repository)))
    for volume in record.volumes[state.volumes :]:
        found = [prefixed(f"volume {volume.key}", problem) for problem in repository.verify(volume.volume_id)]
        state = Verification(volumes=state.volumes + 1, problems=[*state.problems, *found])
        ledger.put(store, key, state)
    ledger.put(store, key, state.model_copy(update={"finished": True}))


def _verification(store: ObjectStore, key: str) -> Verification:
    return ledger.find(store, key, Verification) or Verification()


def _problems_of_manifest(record: BackupRecord, store: ObjectStore, repository: Repository) -> Iterator[Message]:
    if record.manifest:
        try:
            repository.unseal(store.get(record.manifest), record.manifest)
        except PermanentError as error:
            yield told(error)


def _in_line(
    store: ObjectStore,
    kind: keys.Upkeep,
    destination: str,
    background: Background,
    work: Callable[[], None],
    whose: str = "",
) -> None:
    """Lets the work go on, unless another process does such work for the destination. Raises NotYet until it ends."""

    def alone() -> None:
        with leased(store, keys.upkeep_lease(kind)) as ours:
            if ours:
                work()

    background.go_on(f"{kind} in {destination}{whose}", alone)
