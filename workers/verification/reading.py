"""Reads a backup back, one verification at a time in a destination; it goes on where it was, also after a kill."""

from collections.abc import Generator, Iterator
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, PermanentError
from schemas.messages import Message, prefixed, told
from schemas.records import BackupRecord, Verification
from workers.jobs import ledger
from workers.jobs.background import Background, Doing
from workers.jobs.upkeep import IN_LINE, elsewhere, in_line
from workers.ports import EVERYTHING, ObjectStore, Part, Repository, Say


def begin(
    store: ObjectStore, request: str, record: BackupRecord, depth: e.Depth, part: Part, now: datetime
) -> Verification:
    """Fixes what is read for `request`, once: that stands which was begun before."""
    begun = Verification(backup=record.name, depth=depth, began_at=now, begin=part.begin, length=part.length)
    return ledger.create(store, keys.verification(request), begun)


def standing(store: ObjectStore, request: str) -> Verification | None:
    """How far the verification for `request` is, if it was begun and its result not told."""
    return ledger.find(store, keys.verification(request), Verification)


def read_back(
    store: ObjectStore, repository: Repository, record: BackupRecord, request: str, background: Background
) -> Generator[Doing, None, Verification]:
    """What was begun, once it is finished. Before, tells how far it is, then raises NotYet."""
    if not _state(store, request).finished:

        def work(say: Say) -> None:
            _read(store, repository, record, request, say)

        yield from in_line(store, "verify", record.destination, background, work, request)
    if not (found := _state(store, request)).finished:
        yield from elsewhere(store, "verify", request)
        raise NotYet("waiting for a verification that is under way", IN_LINE)
    return found


def end(store: ObjectStore, request: str) -> None:
    """Its result is told."""
    store.delete(keys.verification(request))


def _state(store: ObjectStore, request: str) -> Verification:
    return standing(store, request) or Verification()


def _read(store: ObjectStore, repository: Repository, record: BackupRecord, request: str, say: Say) -> None:
    """Records how far it is after each volume."""
    state = _state(store, request)
    if state.volumes == 0:
        state = state.model_copy(update={"problems": list(_problems_of_manifest(record, store, repository))})
    if state.depth == "structure":
        names = {volume.volume_id: f"volume {volume.key}" for volume in record.volumes}
        found = repository.check(names, say) if names else []
        state = state.model_copy(update={"problems": [*state.problems, *found]})
    else:
        state = _contents(store, repository, record, request, state, say)
    ledger.put(store, keys.verification(request), state.model_copy(update={"finished": True}))


def _contents(
    store: ObjectStore,
    repository: Repository,
    record: BackupRecord,
    request: str,
    state: Verification,
    say: Say,
) -> Verification:
    part = Part(state.begin, state.length) if state.depth == "sample" else EVERYTHING
    for number, volume in enumerate(record.volumes[state.volumes :], state.volumes):
        read = repository.verify(volume.volume_id, _of_all(record, number, say), part)
        found = [prefixed(f"volume {volume.key}", problem) for problem in read]
        state = state.model_copy(update={"volumes": state.volumes + 1, "problems": [*state.problems, *found]})
        ledger.put(store, keys.verification(request), state)
    return state


def _of_all(record: BackupRecord, number: int, say: Say) -> Say:
    """Tells how far one of a backup's volumes is as how far all are."""
    sizes = [volume.scanned_bytes for volume in record.volumes]
    before, size = sum(sizes[:number]), sizes[number]
    return lambda what, done, total: say(what, before + (size * done // total if total else size), sum(sizes))


def _problems_of_manifest(record: BackupRecord, store: ObjectStore, repository: Repository) -> Iterator[Message]:
    if record.manifest:
        try:
            repository.unseal(store.get(record.manifest), record.manifest)
        except PermanentError as error:
            yield told(error)
