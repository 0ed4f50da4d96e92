"""How far one request has come, by the events that are about it: a value that a pure function grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from schemas import events as e
from schemas.job import snapshot_of
from schemas.messages import Message

Phase = Literal[
    "requested", "licensed", "copying", "preparing", "securing", "removing", "restoring", "finishing", "ended"
]
"""`securing` is taking the safety snapshot of a restore."""


@dataclass(frozen=True)
class JobProgress:
    """One request and its job, as far as the event log tells. Its parts are the pods of a backup, the volumes of a
    restore. `planned` says what a restore will do. `doubted` are users who told of its end and are not the line's own,
    so that they were not believed. Of `sized` volumes somebody knew beforehand how much there is to do; of others only
    what is done. While it takes its safety snapshot, `volumes` are those of the snapshot."""

    request: str
    name: str | None = None
    phase: Phase = "requested"
    objects: int = 0
    parts: int = 0
    parts_done: frozenset[str] = frozenset()
    volumes: Mapping[str, e.VolumesProgressed] = field(default_factory=dict)
    sized: frozenset[str] = frozenset()
    notes: tuple[Message, ...] = ()
    planned: e.RestorePlanned | None = None
    stalled: int = 0
    unserved: tuple[str, ...] = ()
    final: e.Event | None = None
    doubted: frozenset[str] = frozenset()

    @property
    def bytes_done(self) -> int:
        """Over all volumes."""
        return sum(volume.bytes_done for volume in self.volumes.values())

    @property
    def bytes_total(self) -> int:
        """Over all volumes that have been begun."""
        return sum(volume.bytes_total for volume in self.volumes.values())

    @property
    def files_done(self) -> int:
        """Over all volumes."""
        return sum(volume.files_done for volume in self.volumes.values())


def concerns(progress: JobProgress, event: e.AnyEvent) -> bool:
    """Whether an event is about the request or its job. A restore's safety snapshot is a job of its own, which the same
    request has led to."""
    if isinstance(event.data, e.BackupEvent) and snapshot_of(event.data.job) and event.subject != progress.name:
        return False
    return progress.request in (event.correlationid, event.subject) or (
        progress.name is not None and event.subject == progress.name
    )


def fold(progress: JobProgress, event: e.Event) -> JobProgress:
    """The progress after one more event. Repeated and late events do no harm."""
    if progress.final is not None:
        return progress
    match event:
        case e.BackupLicensed():
            return replace(
                progress, name=event.backup, phase="licensed" if progress.phase == "requested" else progress.phase
            )
        case e.RestoreLicensed():
            return replace(progress, name=event.restore, phase="preparing", notes=tuple(event.notes))
        case e.BackupPlanned():
            return replace(progress, phase="copying", objects=event.objects, parts=event.pods)
        case e.RestorePlanned():
            return _planned(progress, event)
        case e.RestoreUndeployRequested():
            return _restoring(progress, "removing")
        case e.RestorePrepared():
            return _restoring(progress, "restoring")
        case e.VolumesProgressed():
            sized = {event.volume} if event.bytes_total > event.bytes_done else set()
            return replace(progress, volumes={**progress.volumes, event.volume: event}, sized=progress.sized | sized)
        case e.VolumesCopied() | e.VolumesCopyFailed():
            return replace(progress, parts_done=progress.parts_done | {event.pod})
        case e.VolumesRestored() | e.VolumesRestoreFailed():
            return replace(progress, parts_done=progress.parts_done | {event.volume})
        case e.RestoreApplied():
            return replace(progress, phase="finishing")
        case e.BackupStalled() | e.RestoreStalled():
            return replace(progress, stalled=event.nudge, unserved=tuple(event.unserved))
        case _ if isinstance(event, e.FINAL):
            named = event.subject if not isinstance(event, e.BackupRejected | e.RestoreRejected) else None
            return replace(progress, phase="ended", final=event, name=named or progress.name)
    return progress


def _planned(progress: JobProgress, event: e.RestorePlanned) -> JobProgress:
    begins = progress.phase in ("requested", "preparing") and event.snapshot is not None
    return replace(
        progress,
        phase="securing" if begins else progress.phase,
        objects=event.objects,
        parts=event.volumes,
        planned=event,
    )


def _restoring(progress: JobProgress, phase: Phase) -> JobProgress:
    """Its own volumes follow those of the safety snapshot. Owners go side by side, so this may come after others."""
    if progress.phase not in ("requested", "preparing", "securing", "removing"):
        return progress
    return replace(progress, phase=phase, volumes={} if progress.phase == "securing" else progress.volumes)
