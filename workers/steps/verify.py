"""repository.maintain: reads a backup back, and records how good it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from schemas import events as e
from schemas import job as jobs
from schemas.errors import Code
from schemas.messages import Message
from schemas.records import BackupRecord
from workers.jobs import answers, ledger
from workers.jobs import default_destination as default
from workers.jobs.background import Background
from workers.jobs.upkeep import telling
from workers.ports import EVERYTHING, Destinations, ObjectStore, Part
from workers.scheduling import runs
from workers.verification import reading, results, samples
from workers.verification.newest import newest_good


@dataclass(frozen=True)
class VerifyNeeds:
    """What verifying needs."""

    destinations: Destinations
    background: Background = field(default_factory=Background)


def verify(event: e.CloudEvent[e.BackupVerifyRequested], sender: str, needs: VerifyNeeds) -> Iterator[e.Event]:
    """What was found: the backup's manifest is read, and of its volumes what `depth` says. Raises NotYet while that
    lasts. The result is on record before it is told, and so is the answer, which is the same when the request comes
    again."""
    request = jobs.request_uuid(sender, event.source, event.id)
    event = default.named(event, needs.destinations, lambda store: _was_taken_up(store, request))
    asked = event.data
    store, repository = needs.destinations.store(asked.destination), needs.destinations.repository(asked.destination)
    if runs.is_noted(store, asked):
        reading.end(store, request)
        return  # a run of a schedule that was taken up, and has been told of
    if (answer := answers.known(store, request)) is not None:
        reading.end(store, request)
        yield answer
        return
    begun = reading.standing(store, request)
    record = _find(store, asked, begun.backup if begun else "")
    if record is None:
        failed = results.failed(event, Message(code=Code.NO_SUCH_BACKUP, text=_none(asked), subject=asked.backup))
        yield failed
        runs.note(store, asked, request, "", ledger.clock(store), "VerificationFailed")
    elif check := results.known(store, record, asked.depth, request):
        yield (said := answers.given(store, request, results.told(record, asked.depth, check, event.id)))
        runs.note(store, asked, request, record.name, ledger.clock(store), type(said).__name__.removeprefix("Backup"))
    else:
        if begun is None:
            now = ledger.clock(store)
            reading.begin(store, request, record, asked.depth, _part(store, asked, record), now)
        work = reading.read_back(store, repository, record, request, needs.background)
        ended = yield from telling(event.id, asked.destination, work)
        check = results.keep(store, record, request, ended, ledger.clock(store))
        if ended.depth == "sample" and ended.began_at:
            samples.is_read(store, record, Part(ended.begin, ended.length), ended.began_at)
        yield (said := answers.given(store, request, results.told(record, asked.depth, check, event.id)))
        runs.note(store, asked, request, record.name, ledger.clock(store), type(said).__name__.removeprefix("Backup"))
    reading.end(store, request)


def give_up(event: e.CloudEvent[e.BackupVerifyRequested], reason: Message, needs: VerifyNeeds) -> Iterator[e.Event]:
    """What is told of a verification that failed for good."""
    yield results.failed(event, reason, default.place(event, needs.destinations))


def _was_taken_up(store: ObjectStore, request: str) -> bool:
    return reading.standing(store, request) is not None or answers.known(store, request) is not None


def _find(store: ObjectStore, asked: e.BackupVerifyRequested, begun: str) -> BackupRecord | None:
    """The backup that is asked for, or that which was found when it began."""
    name = begun or asked.backup
    if name:
        return ledger.finished_backup(store, name) if jobs.is_name(name) else None
    return newest_good(store, asked.app)


def _part(store: ObjectStore, asked: e.BackupVerifyRequested, record: BackupRecord) -> Part:
    if asked.depth != "sample":
        return EVERYTHING
    return samples.next_part(store, record, timedelta(seconds=asked.within_seconds), ledger.clock(store))


def _none(asked: e.BackupVerifyRequested) -> str:
    if asked.backup:
        return "there is no such backup"
    return f"there is no good backup of {asked.app or 'the console and all applications'} yet"
