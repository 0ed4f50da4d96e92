"""KOTS' JSON, with its names. Times are RFC 3339; what is not known is null."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

State = Literal["InProgress", "Completed", "Failed", "Deleting"]


class Kots(BaseModel):
    """Base of answers: there are no other fields."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """Base of bodies. What KOTS' console sends besides is not looked at."""

    model_config = ConfigDict(extra="ignore")


class Done(Kots):
    """What was asked for was taken up."""

    success: bool = True
    error: str = ""


class IncludedApp(Kots):
    """An application in a snapshot."""

    slug: str
    sequence: int = 0
    name: str = ""
    iconUri: str = ""


class Backup(Kots):
    """A snapshot in a list. `volumeSizeHuman` is as `12.5MB`, `appID` the application's slug; a full one has none."""

    name: str
    status: State
    trigger: Literal["manual", "schedule"]
    appID: str = ""
    sequence: int = 0
    startedAt: datetime | None
    finishedAt: datetime | None
    expiresAt: datetime | None
    supportBundleId: str = ""
    includedApps: list[IncludedApp]
    expectedBackupCount: int = 1
    backupCount: int = 1
    volumeCount: int
    volumeSuccessCount: int
    volumeBytes: int
    volumeSizeHuman: str


class Backups(Kots):
    """A list of them, the newest first."""

    error: str = ""
    backups: list[Backup]


class Taken(Done):
    """A snapshot was asked for, and will be called so."""

    backupName: str


class SnapshotError(Kots):
    """An error or a warning. `title` is its code."""

    title: str
    message: str
    namespace: str = ""


class SnapshotHook(Kots):
    """A script that ran before or after the copy of a pod's volumes."""

    name: str
    namespace: str
    phase: str
    podName: str
    containerName: str
    command: str
    stdout: str
    stderr: str
    startedAt: datetime
    finishedAt: datetime
    errors: list[SnapshotError]
    warnings: list[SnapshotError]


class SnapshotVolume(Kots):
    """A volume in a snapshot."""

    name: str
    podName: str
    podNamespace: str
    podVolumeName: str
    sizeBytesHuman: str
    doneBytesHuman: str
    completionPercent: int = Field(ge=0, le=100)
    timeRemainingSeconds: int = 0
    startedAt: datetime | None = None
    finishedAt: datetime | None = None
    phase: str


class RestoreVolume(SnapshotVolume):
    """A volume of a restore."""

    remainingSecondsExist: bool = False


class BackupDetail(Kots):
    """One part of a snapshot; `status` is in Velero's words."""

    name: str
    type: Literal["legacy"] = "legacy"
    status: str
    volumeSizeHuman: str
    namespaces: list[str]
    hooks: list[SnapshotHook]
    volumes: list[SnapshotVolume]
    errors: list[SnapshotError]
    warnings: list[SnapshotError]


class BackupDetails(Kots):
    """All about one snapshot."""

    success: bool = True
    error: str = ""
    backup: Backup
    backupDetails: list[BackupDetail]


class RestoreStatus(Kots):
    """Whether a restore of an application runs, and which."""

    status: Literal["running", ""]
    restore_name: str = ""
    error: str = ""


class RestoreDetail(Kots):
    """How far a restore is; `phase` is in Velero's words."""

    name: str
    phase: str
    volumes: list[RestoreVolume]
    errors: list[SnapshotError]
    warnings: list[SnapshotError]


class Restore(Kots):
    """A restore; `active` while it runs."""

    active: bool
    restoreDetail: RestoreDetail | None


class Restoring(Done):
    """A restore was asked for, and will be called so."""

    restoreName: str


class AppRestoring(Kots):
    """What the restore of one application will be called."""

    appSlug: str
    restoreName: str


class AppsRestoring(Done):
    """Restores were asked for."""

    restores: list[AppRestoring]


class RestoreApps(Given):
    """Which applications to restore out of a full snapshot: all, or these."""

    restoreAll: bool = False
    appSlugs: list[str] = Field(default=[], max_length=1000)


class CheckApps(Given):
    """Of which applications the restores are asked about."""

    checkAll: bool = False
    appSlugs: list[str] = Field(default=[], max_length=1000)


class AppStatus(Kots):
    """How far the restore of one application is."""

    appSlug: str
    restoreDetail: RestoreDetail


class AppStatuses(Kots):
    """Of each that was asked about."""

    statuses: list[AppStatus]
    error: str = ""


class AutoSchedule(Kots):
    """When snapshots are taken."""

    schedule: str


class Ttl(Kots):
    """For how long snapshots are kept: as it was put in, and as Velero has it."""

    inputValue: str
    inputTimeUnit: str
    converted: str


class Config(Kots):
    """Schedule and retention, of full snapshots or of an application's."""

    autoEnabled: bool
    autoSchedule: AutoSchedule
    ttl: Ttl


class SetSchedule(Given):
    """When to take snapshots: five cron fields, `@daily`, `@every 6h`."""

    schedule: str = Field(default="", max_length=300)
    autoEnabled: bool = False


Number = Annotated[str, BeforeValidator(lambda given: str(given) if isinstance(given, int) else given)]
"""A whole number, as text or as a number."""


class SetRetention(Given):
    """For how long to keep snapshots."""

    inputValue: Number = Field(pattern=r"^\s*[0-9]{1,9}\s*$")
    inputTimeUnit: str = Field(max_length=20)


class Velero(Kots):
    """That there is somebody who takes snapshots: Snapline, in Velero's place."""

    isVeleroInstalled: bool
