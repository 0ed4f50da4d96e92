"""How far one request has come, by the events that are about it: a value that a pure function grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from schemas import events as e
from schemas.messages import Message

Phase = Literal["requested", "licensed", "copying", "preparing", "restoring", "finishing", "ended"]


@dataclass(frozen=True)
class JobProgress:
    """One request and its job, as far as the event log tells. Its parts are the pods of a backup, the volumes of a
    restore."""

    request: str
    name: str | None = None
    phase: Phase = "requested"
    objects: int = 0
    parts: int = 0
    parts_done: frozenset[str] = frozenset()
    volumes: Mapping[str, e.VolumesProgressed] = field(default_factory=dict)
    notes: tuple[Message, ...] = ()
    stalled: int = 0
    unserved: tuple[str, ...] = ()
    final: e.Event | None = None

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
    """Whether an event is about the request or its job."""
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
            return replace(progress, objects=event.objects, parts=event.volumes)
        case e.RestorePrepared():
            return replace(progress, phase="restoring")
        case e.VolumesProgressed():
            return replace(progress, volumes={**progress.volumes, event.volume: event})
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
