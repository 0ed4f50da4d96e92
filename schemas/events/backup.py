"""The events of a backup, from the request to its end."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from schemas.events.base import THE_DEFAULT, BackupEvent, Chosen, Count, Event, Name
from schemas.events.due import Due
from schemas.messages import Message
from schemas.ttl import Ttl


class BackupRequested(Event):
    """Take a backup: of one application (`app`), or of the console and all applications; to be kept for `ttl` (a Go
    duration, such as `720h`), or else for as long as retention says. When it has ended, and can be used, it is copied
    to the destinations `copy_to`. The scheduler says for which run of the `schedule` that is `due`; nobody else
    may."""

    type: ClassVar[str] = "backup.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()

    app: Name | None = None
    schedule: Name | None = None
    destination: Chosen = THE_DEFAULT
    ttl: Ttl | None = None
    due: Due | None = None
    copy_to: list[Name] = []


class BackupLicensed(BackupEvent):
    """The licenses allow it; the job has its name and its request record."""

    type: ClassVar[str] = "backup.licensed.v1"

    app: Name | None = None


class BackupQueued(BackupEvent):
    """It waits in line until the job `behind` (kind and name) has ended."""

    type: ClassVar[str] = "backup.queued.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "behind")

    behind: str


class BackupRejected(Event):
    """The request `request` was refused; no job was made, nor will it be when the request comes again. `identified` is
    what it is told apart by from others of the same id: by its sender, source and id."""

    type: ClassVar[str] = "backup.rejected.v1"
    identity: ClassVar[tuple[str, ...]] = ("identified",)
    subject_field: ClassVar[str] = "request"

    request: str
    identified: str = ""
    app: Name | None = None
    reasons: list[Message]


class BackupPlanned(BackupEvent):
    """The objects are captured and the plan is written: `pods` pods have volumes to copy, or hooks to run."""

    type: ClassVar[str] = "backup.planned.v1"

    objects: Count
    pods: Count


class VolumesCopyRequested(BackupEvent):
    """Copy the volumes of one pod (`pod` is `<namespace>/<pod>`); `slice` counts its slices."""

    type: ClassVar[str] = "volumes.copy.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "pod", "slice")

    node: Name
    pod: str
    slice: Count = 0


class VolumesCopied(BackupEvent):
    """All volumes of one pod are in the repository."""

    type: ClassVar[str] = "volumes.copied.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "pod")

    pod: str
    scanned_bytes: Count
    changed_bytes: Count
    uploaded_bytes: Count
    files: Count


class VolumesCopyFailed(BackupEvent):
    """Some volume of one pod could not be copied."""

    type: ClassVar[str] = "volumes.copy_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "pod")

    pod: str
    reason: Message


class BackupFinal(BackupEvent):
    """Base of the events that end a backup."""

    app: Name | None = None
    errors: Count = 0
    warnings: Count = 0
    reason: Message | None = None


class BackupCompleted(BackupFinal):
    """Everything that was selected is in the backup."""

    type: ClassVar[str] = "backup.completed.v1"


class BackupPartiallyFailed(BackupFinal):
    """The backup exists, but something that was selected is missing from it."""

    type: ClassVar[str] = "backup.partially_failed.v1"


class SuspiciousVolume(BaseModel):
    """What has changed in a volume as it never has before: the `reason` in plain words and numbers, the `codes` for
    programs; and the backup that is `held` since, the last good one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    volume: str
    reason: str
    codes: list[str]
    held: str | None = None


class BackupSuspicious(BackupEvent):
    """In `count` volumes of a finished backup much has changed that as a rule does not: perhaps somebody has encrypted
    or deleted what was there. The first of them are described."""

    type: ClassVar[str] = "backup.suspicious.v1"

    app: Name | None = None
    count: Count
    volumes: list[SuspiciousVolume]


class BackupFailed(BackupFinal):
    """There is no usable backup."""

    type: ClassVar[str] = "backup.failed.v1"


class BackupCancelled(BackupFinal):
    """Somebody cancelled it."""

    type: ClassVar[str] = "backup.cancelled.v1"
