"""The results of a backup's pods and a restore's volumes: recorded once, then told."""

from collections.abc import Sequence
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import Job
from schemas.messages import Message, prefixed, summary
from schemas.records import CopyState, HookState, OwnerEnded, PodResult, VolumeResult
from workers.jobs import ledger
from workers.jobs.owners import called
from workers.ports import ObjectStore, Progress


def record_pod(
    store: ObjectStore, job: Job, pod: str, state: CopyState, hooks: HookState | None, now: datetime
) -> PodResult:
    """The result of a pod's volumes, as far as they were copied, and of the hooks around them.
    A result that stands already stays."""
    result = PodResult(
        pod=pod,
        volumes=state.volumes,
        hooks=hooks.results if hooks else [],
        errors=[*(hooks.errors if hooks else []), *state.errors],
        warnings=[*(hooks.warnings if hooks else []), *state.warnings],
        finished_at=now,
    )
    return ledger.create(store, keys.pod_result(job, pod), result)


def pod_copied(asked: e.VolumesCopyRequested, result: PodResult) -> e.Event:
    """The event of a pod's result."""
    if reason := summary(result.errors):
        return e.VolumesCopyFailed(backup=asked.backup, destination=asked.destination, pod=result.pod, reason=reason)
    return e.VolumesCopied(
        backup=asked.backup,
        destination=asked.destination,
        pod=result.pod,
        scanned_bytes=sum(volume.scanned_bytes for volume in result.volumes),
        changed_bytes=sum(volume.changed_bytes for volume in result.volumes),
        uploaded_bytes=sum(volume.uploaded_bytes for volume in result.volumes),
        files=sum(volume.files for volume in result.volumes),
    )


def volume_restored(job: Job, destination: str, result: VolumeResult) -> e.Event:
    """The event of a volume's result."""
    if reason := summary(result.errors):
        return e.VolumesRestoreFailed(restore=job.name, destination=destination, volume=result.volume, reason=reason)
    return e.VolumesRestored(
        restore=job.name, destination=destination, volume=result.volume, bytes=result.bytes, files=result.files
    )


def give_up_volume(store: ObjectStore, job: Job, destination: str, volume: str, reason: str, now: datetime) -> e.Event:
    """Records that a volume is not written; a pod that waits for it starts without it."""
    error = Message(code=Code.VOLUME_NOT_RESTORED, text=f"{volume}: {reason}")
    result = VolumeResult(volume=volume, errors=[error], finished_at=now)
    return volume_restored(job, destination, ledger.create(store, keys.volume_result(job, volume), result))


def give_up_owner(
    store: ObjectStore,
    job: Job,
    destination: str,
    owner: str,
    reason: Message,
    now: datetime,
    more: Sequence[Message] = (),
) -> e.RestoreApplied:
    """Records that the restore of an owner's objects and volumes has come to no good end; and `more` errors."""
    errors = [prefixed(f"{called(owner)} is not, or not wholly, restored", reason), *more]
    ledger.create(store, keys.owner_ended(job, owner), OwnerEnded(given_up=True, errors=errors, finished_at=now))
    return e.RestoreApplied(restore=job.name, destination=destination, owner=owner)


def progressed(job: Job, volume: str, progress: Progress) -> e.VolumesProgressed:
    """The event of one volume's progress."""
    return e.VolumesProgressed(
        job=job.name,
        volume=volume,
        bytes_done=progress.bytes_done,
        bytes_total=progress.bytes_total,
        files_done=progress.files_done,
    )
