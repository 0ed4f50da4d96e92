"""From views to KOTS' JSON."""

import shlex
from collections.abc import Iterable, Mapping
from datetime import timedelta

from producers.http.kots import models as m
from producers.views.hooks import HookView
from producers.views.job_views import BackupView, RestoreDetails, Status
from producers.views.volumes import VolumeView
from schemas.messages import Message
from schemas.records import VolumeRestore, VolumeResult

UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
UNDERWAY = ("Queued", "InProgress", "Cancelling")
PHASES: dict[Status, str] = {
    "Cancelling": "InProgress",
    "Rejected": "FailedValidation",
    "Cancelled": "Failed",
    "Unreadable": "Failed",
}
"""Velero's phases, where they are called otherwise."""


def size(number: int) -> str:
    """Bytes for people, as KOTS has it: `12.5MB`, the units a thousand times each other."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.4g}{UNITS[unit]}"


def state(status: Status) -> m.State:
    """One of KOTS' four words: what is not whole is `Failed`."""
    if status in UNDERWAY:
        return "InProgress"
    return "Completed" if status == "Completed" else "Failed"


def phase(status: Status) -> str:
    """Velero's word."""
    return PHASES.get(status, status)


def backup(view: BackupView, names: Mapping[str, str], *, done: int | None = None, deleting: bool = False) -> m.Backup:
    """A snapshot as in a list. Of one that runs, `done` volumes are whole. `names` are those of registered
    applications, by slug; what is no longer registered is called by its slug."""
    sequences = dict(zip(view.apps, view.sequences, strict=False))
    apps = [view.app] if view.app else view.apps
    return m.Backup(
        name=view.name,
        status="Deleting" if deleting else state(view.status),
        trigger="schedule" if view.schedule else "manual",
        appID=view.app or "",
        startedAt=view.requested_at,
        finishedAt=view.completed_at,
        expiresAt=view.expires_at,
        sequence=sequences.get(view.app or "", 0),
        includedApps=[
            m.IncludedApp(slug=slug, name=names.get(slug, slug), sequence=sequences.get(slug, 0)) for slug in apps
        ],
        backupCount=0 if view.status in ("Rejected", "Unreadable") else 1,
        volumeCount=view.volumes,
        volumeSuccessCount=view.volumes if done is None else done,
        volumeBytes=view.size,
        volumeSizeHuman=size(view.size),
    )


def errors(messages: Iterable[Message]) -> list[m.SnapshotError]:
    """Errors or warnings."""
    return [m.SnapshotError(title=each.code, message=each.text) for each in messages]


def hook(view: HookView) -> m.SnapshotHook:
    """A script; why its output is not shown is a warning."""
    failed = [m.SnapshotError(title="HookFailed", message=view.error, namespace=view.namespace)] if view.error else []
    return m.SnapshotHook(
        name=view.source,
        namespace=view.namespace,
        phase=view.phase,
        podName=view.pod,
        containerName=view.container,
        command=shlex.join(view.command),
        stdout=view.stdout,
        stderr=view.stderr,
        startedAt=view.started_at,
        finishedAt=view.started_at + timedelta(seconds=view.seconds),
        errors=failed,
        warnings=errors([view.problem] if view.problem else []),
    )


def volume(view: VolumeView) -> m.SnapshotVolume:
    """A volume that was copied to the last byte."""
    return m.SnapshotVolume(
        name=view.key,
        podName=view.pod,
        podNamespace=view.namespace,
        podVolumeName=view.name,
        sizeBytesHuman=size(view.scanned_bytes),
        doneBytesHuman=size(view.scanned_bytes),
        completionPercent=100,
        startedAt=view.began_at,
        finishedAt=view.ended_at,
        phase="Completed",
    )


def written(volume: VolumeRestore, result: VolumeResult | None, *, begun: bool, underway: bool) -> m.RestoreVolume:
    """A volume of a restore, which is `underway` or has ended: with a `result`, or without. How much of one is written
    that has `begun` is not on record."""
    done = result.bytes if result else 0
    if result is not None:
        said = "Failed" if result.errors else "Completed"
    else:
        said = "Failed" if not underway else "InProgress" if begun else "New"
    percent = 100 if said == "Completed" else min(99, 100 * done // volume.bytes) if volume.bytes else 0
    return m.RestoreVolume(
        name=volume.key,
        podName=volume.pod,
        podNamespace=volume.namespace,
        podVolumeName=volume.name,
        sizeBytesHuman=size(volume.bytes),
        doneBytesHuman=size(done),
        completionPercent=percent,
        finishedAt=result.finished_at if result else None,
        phase=said,
    )


def restore(details: RestoreDetails, volumes: Iterable[m.RestoreVolume]) -> m.RestoreDetail:
    """How far a restore is, and its `volumes`."""
    view = details.view
    return m.RestoreDetail(
        name=view.name,
        phase=phase(view.status),
        volumes=list(volumes),
        errors=errors((*details.errors, *view.reasons)),
        warnings=errors((*details.warnings, *view.notes)),
    )
