"""What is known of a backup by verifications, and how it is told."""

from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.job import backup
from schemas.messages import Message, shortened, summary
from schemas.records import BackupRecord, Check, Verification, Verified
from workers.jobs import ledger
from workers.ports import ObjectStore

MOST_PROBLEMS = 50
"""Problems that a record and an event name."""


def known(store: ObjectStore, record: BackupRecord, depth: e.Depth, request: str) -> Check | None:
    """What the verification for `request` has found, if that is on record."""
    check = _verified(store, record).checks.get(depth)
    return check if check is not None and check.request == request else None


def keep(store: ObjectStore, record: BackupRecord, request: str, ended: Verification, now: datetime) -> Check:
    """Records what a verification has found, beside what others have found that looked more or less deep."""
    began = ended.began_at or now
    check = Check(
        at=now,
        seconds=max(0.0, (now - began).total_seconds()),
        request=request,
        problems=list(map(shortened, ended.problems[:MOST_PROBLEMS])),
        more=max(0, len(ended.problems) - MOST_PROBLEMS),
    )
    checks = {**_verified(store, record).checks, ended.depth: check}
    ledger.put(store, keys.verified(backup(record.name)), Verified(checks=checks))
    return check


def told(record: BackupRecord, depth: e.Depth, check: Check, request_id: str) -> e.Event:
    """The event of a result."""
    if not check.problems:
        return e.BackupVerified(
            backup=record.name, destination=record.destination, app=record.app, request=request_id, depth=depth
        )
    return e.BackupVerificationFailed(
        backup=record.name,
        destination=record.destination,
        app=record.app,
        request=request_id,
        depth=depth,
        reason=summary(check.problems) or check.problems[0],
        problems=check.problems,
    )


def failed(event: e.CloudEvent[e.BackupVerifyRequested], reason: Message, destination: str = "") -> e.Event:
    """The event of a verification that could not be done, at the `destination` if the request names none."""
    asked = event.data
    return e.BackupVerificationFailed(
        backup=asked.backup,
        destination=asked.destination or destination,
        app=asked.app,
        request=event.id,
        depth=asked.depth,
        reason=shortened(reason),
        problems=[shortened(reason)],
    )


def _verified(store: ObjectStore, record: BackupRecord) -> Verified:
    return ledger.find(store, keys.verified(backup(record.name)), Verified) or Verified()
