"""backup.finalize: when every pod of the plan is accounted for, the backup record is written, last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.job import Job
from schemas.records import BackupPlan, BackupRecord, BackupRequest, PodResult, VolumeRecord
from workers.copies import wanted
from workers.jobs import endings, ledger, progress
from workers.ports import Destinations, ObjectStore
from workers.suspicion import alarm

Heard = e.BackupPlanned | e.VolumesCopied | e.VolumesCopyFailed


@dataclass(frozen=True)
class FinalizeBackupNeeds:
    """What finalizing a backup needs."""

    destinations: Destinations
    now: Callable[[], datetime]


def finalize(event: e.CloudEvent[Heard], needs: FinalizeBackupNeeds) -> Iterator[e.Event]:
    """The final event, if no pod is missing any more, what is suspicious, and the requests for the copies that are
    wanted; else nothing."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        if record := ledger.finished_backup(store, job.name):
            yield from alarm.told(record)  # of which a run that was killed may not have come to tell
        yield from wanted.asked(store, job, event.data.destination)
        return
    plan = ledger.find(store, keys.plan(job), BackupPlan)
    if plan is not None and not progress.pods_to_copy(store, job, plan):
        request = ledger.read(store, keys.request(job), BackupRequest)
        results = _results(store, job) if plan.pods else []
        volumes = [volume for result in results for volume in result.volumes]
        held = alarm.hold_before(store, job.name, volumes, needs.now())
        record = _record(request, plan, results, held, needs.now())
        for to in request.copy_to:
            wanted.want(store, job, to, ledger.clock(store))  # before the end, so that none is forgotten after it
        yield endings.finish_backup(store, record, request)
        if any(volume.suspicion for volume in held) and (standing := ledger.finished_backup(store, job.name)):
            yield from alarm.told(standing)
        if request.copy_to:
            yield from wanted.asked(store, job, event.data.destination)


def _results(store: ObjectStore, job: Job) -> list[PodResult]:
    return [ledger.read(store, found.key, PodResult) for found in store.list(keys.pod_results(job))]


def _record(
    request: BackupRequest, plan: BackupPlan, results: list[PodResult], volumes: list[VolumeRecord], now: datetime
) -> BackupRecord:
    errors = [*plan.errors, *(error for result in results for error in result.errors)]
    return BackupRecord(
        name=request.name,
        request=request.request,
        destination=request.destination,
        status="PartiallyFailed" if errors else "Completed",
        app=request.app,
        schedule=request.schedule,
        apps=request.apps,
        requested_at=request.requested_at,
        completed_at=now,
        expires_at=request.expires_at,
        manifest=plan.manifest,
        selector=plan.selector,
        covers=plan.covers,
        objects=plan.objects,
        volumes=volumes,
        hooks=[hook for result in results for hook in result.hooks],
        errors=errors,
        warnings=[
            *alarm.warnings(volumes),
            *plan.warnings,
            *(warning for result in results for warning in result.warnings),
        ],
    )
