"""How a test restore has ended: what is kept of it, and what is told."""

from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import backup
from schemas.messages import Message, shortened, summary
from schemas.records import RestoreRecord, RestoreTested
from workers.jobs import ledger
from workers.ports import ObjectStore

MOST_PROBLEMS = 50


def keep(store: ObjectStore, record: RestoreRecord, left: Message | None, now: datetime) -> RestoreTested | None:
    """Records how good the backup is by the ended test restore; None for one that was cancelled, which says nothing of
    it, or whose backup is gone. `left` says what of the test could not be removed."""
    if record.status == "Cancelled" or ledger.finished_backup(store, record.backup) is None:
        return None
    problems = _problems(record, left)
    tested = RestoreTested(
        at=now,
        seconds=max(0.0, ((record.ready_at or record.completed_at) - record.requested_at).total_seconds()),
        restore=record.name,
        app=record.app,
        problems=list(map(shortened, problems[:MOST_PROBLEMS])),
    )
    ledger.put(store, keys.test_restored(backup(record.backup)), tested)
    return tested


def told(record: RestoreRecord, tested: RestoreTested) -> e.Event:
    """The event of it."""
    if not tested.problems:
        return e.BackupTestRestored(
            backup=record.backup,
            destination=record.destination,
            app=record.app,
            restore=record.name,
            seconds=tested.seconds,
        )
    return e.BackupTestRestoreFailed(
        backup=record.backup,
        destination=record.destination,
        app=record.app,
        restore=record.name,
        seconds=tested.seconds,
        reason=summary(tested.problems) or tested.problems[0],
    )


def _problems(record: RestoreRecord, left: Message | None) -> list[Message]:
    problems = [*record.errors, *([left] if left else [])]
    if record.status != "Completed" and not problems:
        problems = [record.reason or Message(code=Code.NOT_APPLIED, text=f"the restore ended {record.status}")]
    return problems
