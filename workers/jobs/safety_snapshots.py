"""Safety snapshots: a restore that deletes anything has a backup taken of it first, inside what it claims itself."""

from collections.abc import Collection
from datetime import datetime

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code
from schemas.job import Job, backup
from schemas.messages import Message, brief
from schemas.records import BackupRecord, BackupRequest, RestorePlan, RestoreRequest, Undeploy
from workers.jobs import ledger
from workers.ports import ObjectStore

CLAIMS = "persistentvolumeclaims"


def begin(
    store: ObjectStore,
    restore: Job,
    request: RestoreRequest,
    source: BackupRecord,
    owners: Collection[str],
    now: datetime,
) -> Job:
    """Makes the job, once. It claims nothing, since the restore does, and names those applications of the backup
    `source` that are among `owners`."""
    job = jobs.safety_snapshot(restore)
    record = BackupRequest(
        name=job.name,
        request=jobs.derived_uuid(str(restore), request.request),
        event_id=request.event_id,
        sender=request.sender,
        requested_at=now,
        destination=request.destination,
        app=request.app,
        apps=[app for app in source.apps if app.slug in owners],
    )
    ledger.begin(store, job)
    ledger.create(store, keys.request(job), record)
    return job


def unfinished(store: ObjectStore, plan: RestorePlan) -> Job | None:
    """The safety snapshot that the restore waits for, if it does."""
    job = backup(plan.snapshot) if plan.snapshot else None
    return None if job is None or ledger.exists(store, keys.final(job)) else job


def lacking(store: ObjectStore, plan: RestorePlan, fixed: Undeploy, owner: str) -> Message | None:
    """Why nothing of the owner's may be deleted: the finished safety snapshot does not hold what is in its claims."""
    theirs = [ref for ref in fixed.objects if ref.owner == owner]
    if not theirs or not plan.snapshot:
        return None
    whose = "what is shared" if owner == e.SHARED else owner
    nothing = f"{whose} is not restored, and nothing of it deleted: the safety snapshot {plan.snapshot}"
    record = ledger.finished_backup(store, plan.snapshot)
    if record is None or record.status not in ("Completed", "PartiallyFailed"):
        ended = f"ended {record.status}{_why(record)}" if record else "is gone"
        return Message(code=Code.NO_SAFETY_SNAPSHOT, text=f"{nothing} {ended}", subject=owner)
    held = {f"{volume.namespace}/{volume.claim}" for volume in record.volumes if volume.claim}
    claims = (f"{ref.namespace}/{ref.name}" for ref in theirs if ref.group_resource == CLAIMS)
    if missing := [claim for claim in claims if claim in fixed.filled and claim not in held]:
        text = f"{nothing} does not hold the volume {', '.join(missing)}{_why(record)}"
        return Message(code=Code.NO_SAFETY_SNAPSHOT, text=text, subject=owner)
    return None


def _why(record: BackupRecord) -> str:
    said = [record.reason] if record.reason else record.errors
    return f": {brief(said)}" if said else ""
