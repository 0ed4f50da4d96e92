"""Copies a backup into another destination, one copy at a time into each; what is there already is told at once."""

from collections.abc import Generator
from contextlib import suppress

from schemas import keys
from schemas.errors import AlreadyExists, Code, Damaged, Invalid, NotFound, NotYet, PermanentError, SnaplineError
from schemas.job import backup
from schemas.records import BackupRecord, BackupRequest, Copied
from workers.copies.arriving import Arrival, Moment, Place
from workers.jobs import ledger
from workers.jobs.background import Background, Doing
from workers.jobs.upkeep import IN_LINE, elsewhere, in_line
from workers.ports import Say


def copy(
    source: Place, target: Place, record: BackupRecord, moment: Moment, background: Background
) -> Generator[Doing, None, Copied]:
    """What was copied, once the backup is in the target. Before, tells how far it is, then raises NotYet. Raises
    Invalid or AlreadyExists if it cannot be there, and NotFound or Damaged if it cannot be read whole."""
    if (there := _there(source, target, record)) is None:
        _may_come(target, record)

        def work(say: Say) -> None:
            _bring(source, target, record, moment, say)

        yield from in_line(target.store, "copy", target.name, background, work, record.name)
        there = _there(source, target, record)
    if there is None:
        yield from elsewhere(target.store, "copy", record.name)
        raise NotYet(f"waiting for a copy to {target.name!r} that is under way", IN_LINE)
    return Copied(
        at=there.copied_at or moment.now(),
        scanned_bytes=sum(volume.scanned_bytes for volume in there.volumes),
        read_bytes=sum(volume.changed_bytes for volume in there.volumes if there.copied_from),
        uploaded_bytes=sum(volume.uploaded_bytes for volume in there.volumes if there.copied_from),
    )


def _bring(source: Place, target: Place, record: BackupRecord, moment: Moment, say: Say) -> None:
    try:
        Arrival(source, target, record, moment).bring(say)
    except (NotFound, Damaged) as error:
        raise _why(source, record, error) from error


def _why(source: Place, record: BackupRecord, error: PermanentError) -> PermanentError:
    """Why it cannot be read: if somebody has deleted it meanwhile, that."""
    with suppress(SnaplineError):
        if ledger.finished_backup(source.store, record.name) is None or ledger.deleted(
            source.store, backup(record.name)
        ):
            text = f"backup {record.name} was deleted in {source.name!r} while it was copied"
            return Invalid(text, code=Code.BACKUP_DELETED, subject=record.name)
    return error


def _there(source: Place, target: Place, record: BackupRecord) -> BackupRecord | None:
    """The backup in the target, if it is there. Raises AlreadyExists if another one is, Invalid if both are the same
    place, or it is being deleted there."""
    standing = ledger.finished_backup(target.store, record.name)
    if standing is None:
        return None
    if standing == record:
        text = f"the destinations {source.name!r} and {target.name!r} are the same place"
        raise Invalid(text, code=Code.DESTINATION_INVALID, subject=target.name)
    if standing.request != record.request:
        raise _taken(target, record)
    if ledger.deleted(target.store, backup(record.name)):
        raise _was_deleted(target, record)
    return standing


def _may_come(target: Place, record: BackupRecord) -> None:
    """Raises AlreadyExists where the name is another's, and Invalid where the backup was deleted: its deletion, told
    twice, would hit what has come again."""
    job = backup(record.name)
    asked = ledger.find(target.store, keys.request(job), BackupRequest)
    if ledger.deleted(target.store, job):
        raise _was_deleted(target, record)
    if ledger.exists(target.store, keys.running(job)) or (asked is not None and asked.request != record.request):
        raise _taken(target, record)


def _was_deleted(target: Place, record: BackupRecord) -> Invalid:
    text = f"backup {record.name} was deleted in {target.name!r}, so it is not copied there again"
    return Invalid(text, code=Code.BACKUP_DELETED, subject=record.name)


def _taken(target: Place, record: BackupRecord) -> AlreadyExists:
    return AlreadyExists(f"another backup is called {record.name} in {target.name!r}", subject=record.name)
