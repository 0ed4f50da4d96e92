"""repository.maintain: copies a finished backup to another destination."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Invalid, PermanentError
from schemas.job import is_name, request_uuid
from schemas.messages import Message, shortened
from workers.copies import copying, wanted
from workers.copies.arriving import Moment, Place
from workers.jobs import answers, ledger, restorable
from workers.jobs import default_destination as default
from workers.jobs.background import Background
from workers.jobs.upkeep import telling
from workers.ports import Destinations, ObjectStore


@dataclass(frozen=True)
class CopyBackupNeeds:
    """What copying backups needs; a slice of it lasts for `slice`."""

    destinations: Destinations
    now: Callable[[], datetime]
    slice: timedelta = timedelta(seconds=30)
    background: Background = field(default_factory=Background)


def copy(event: e.CloudEvent[e.BackupCopyRequested], sender: str, needs: CopyBackupNeeds) -> Iterator[e.Event]:
    """The copy is made, by what is missing there. Raises NotYet while that lasts; Invalid, NotFound or Damaged where it
    cannot be made. That it is wanted is on record before, and its result before it is told, which is the
    same when the request comes again."""
    request = request_uuid(sender, event.source, event.id)
    event = default.named(event, needs.destinations, lambda store: _was_taken_up(store, event.data, request))
    asked, job = event.data, event.data.job
    source = _place(needs, asked.destination)
    if (answer := _answered(source.store, asked, request)) is not None:
        yield answer
        return
    if asked.to == asked.destination:
        raise Invalid(f"backup {job.name} is in {asked.to!r} already", code=Code.DESTINATION_INVALID, subject=asked.to)
    record = restorable.usable(source.store, job.name)
    wanted.want(source.store, job, asked.to, ledger.clock(source.store))
    moment = Moment(needs.now, needs.slice, uuid.uuid4().hex)
    work = copying.copy(source, _place(needs, asked.to), record, moment, needs.background)
    result = yield from telling(event.id, asked.destination, work)
    wanted.copied(source.store, job, asked.to, result)
    answer = e.BackupCopied(
        backup=job.name,
        destination=asked.destination,
        app=record.app,
        to=asked.to,
        request=event.id,
        scanned_bytes=result.scanned_bytes,
        read_bytes=result.read_bytes,
        uploaded_bytes=result.uploaded_bytes,
    )
    yield answers.given(source.store, request, answer)


def _was_taken_up(store: ObjectStore, asked: e.BackupCopyRequested, request: str) -> bool:
    return wanted.is_known(store, asked) or answers.known(store, request) is not None


def _answered(store: ObjectStore, asked: e.BackupCopyRequested, request: str) -> e.Event | None:
    """What the request was answered, unless the copy is wanted anew: what the line itself asks for has the same id each
    time."""
    if ledger.exists(store, keys.wanted_copy(asked.job, asked.to)):
        return None
    return answers.known(store, request)


def give_up(event: e.CloudEvent[e.BackupCopyRequested], reason: Message, needs: CopyBackupNeeds) -> Iterator[e.Event]:
    """What is told of a copy that failed for good. It is on record where the backup is, if there is one."""
    event = default.named(event, needs.destinations, lambda store: wanted.is_known(store, event.data))
    asked, app = event.data, None
    with suppress(PermanentError):  # there may be nowhere to record it
        if is_name(asked.backup) and asked.to != asked.destination:
            app = _record(needs.destinations.store(asked.destination), asked, reason, needs.now())
    yield _failed(event, reason, needs, app)


def refuse(event: e.CloudEvent[e.BackupCopyRequested], reason: Message, needs: CopyBackupNeeds) -> Iterator[e.Event]:
    """What is told of a request that was not taken up."""
    yield _failed(event, reason, needs)


def _record(store: ObjectStore, asked: e.BackupCopyRequested, reason: Message, now: datetime) -> str | None:
    """The application of the backup, if it is of one alone."""
    if (record := ledger.finished_backup(store, asked.backup)) is not None:
        wanted.failed(store, asked.job, asked.to, reason, now)
        return record.app
    if not ledger.exists(store, keys.running(asked.job)):
        wanted.forget(store, asked.job)
    return None


def _failed(
    event: e.CloudEvent[e.BackupCopyRequested], reason: Message, needs: CopyBackupNeeds, app: str | None = None
) -> e.Event:
    asked, destination = event.data, default.place(event, needs.destinations)
    return e.BackupCopyFailed(
        backup=asked.backup, destination=destination, app=app, to=asked.to, request=event.id, reason=shortened(reason)
    )


def _place(needs: CopyBackupNeeds, name: str) -> Place:
    return Place(name, needs.destinations.store(name), needs.destinations.repository(name))
