"""What is printed of all else, and of failures."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from producers.cli.shapes.base import Shape

Role = Literal["cluster-admin", "operator", "support"]


class Application(Shape):
    """A registered application; of one that cannot be read, what `snapshots` says."""

    slug: str
    snapshots: str
    name: str | None = None
    version: str | None = None
    namespaces: list[str] | None = None
    backup_resource: bool | None = None


class Schedule(Shape):
    """A schedule; without `app`, of everything, and without `destination`, into the default one. `meaning` is its
    expression as a sentence; nothing is `next_due` while it is paused. `last_status` is that of the backup
    `last_backup`, or `Skipped` or `Requested`; `problem` says why it is no better."""

    name: str
    expression: str
    meaning: str
    does: Literal["backup", "verify", "test-restore"]
    app: str | None
    destination: str | None
    copy_to: list[str]
    ttl: str | None
    time_zone: str
    jitter: str | None
    blackouts: list[str]
    missed: Literal["once", "skip"]
    paused: bool
    next_due: datetime | None
    last_due: datetime | None
    last_status: str | None
    last_backup: str | None
    problem: str


class NextRun(Shape):
    """A run that will be; `starts` is later by jitter, or by the `blackout` window."""

    due: datetime
    starts: datetime
    blackout: str | None


class PastRun(Shape):
    """What became of a run; of `Missed` ones, from the one after `since` on."""

    due: datetime
    status: str
    name: str | None
    since: datetime | None
    reason: str


class ScheduleDescribed(Schedule):
    """With its next runs, and its past ones, the newest first."""

    next: list[NextRun]
    runs: list[PastRun]


class Retention(Shape):
    """The rules of a scope: `instance`, `app/SLUG`, `schedule/NAME`, `safety-snapshots`. Numbers of backups: 0 is no
    rule, -1 keeps all. Of rules that cannot be read, what the `problem` is."""

    scope: str
    ttl: str | None
    keep_last: int | None
    keep_hourly: int | None
    keep_daily: int | None
    keep_weekly: int | None
    keep_monthly: int | None
    keep_yearly: int | None
    keep_within: str | None
    min_age: str | None
    time_zone: str | None
    problem: str


class Previewed(Shape):
    """Whether a backup goes or stays by the rules of its `scope`, and all that says so."""

    name: str
    outcome: Literal["goes", "stays"]
    reasons: list[str]
    scope: str
    status: str
    app: str | None
    size: int
    requested_at: datetime
    expires_at: datetime | None


class EventToken(Shape):
    """A token for POST /events: what it may ask for."""

    name: str
    types: list[str]


class EventTokenMade(EventToken):
    """A new one, which is shown once."""

    token: str


class User(Shape):
    """Who may sign in to the console: of all applications, or of `apps`. Who `must_change` has a password for once."""

    name: str
    role: Role
    apps: list[str] | None
    must_change: bool


class UserSet(User):
    """A new `password` is shown once."""

    password: str | None


class AccessToken(Shape):
    """A token for the console's API: of all applications, or of `apps`; with all that its role gives, or with these
    `permissions`."""

    name: str
    role: Role
    apps: list[str] | None
    permissions: list[str] | None
    made_by: str | None
    expires_at: datetime | None


class AccessTokenMade(AccessToken):
    """A new one, which is shown once."""

    token: str


class Destination(Shape):
    """A destination; of one that cannot be read, what the `problem` is."""

    name: str
    provider: str
    place: str
    is_default: bool
    from_environment: bool
    passphrase_is_set: bool
    problem: str


class DestinationDescribed(BaseModel):
    """A destination's fields, which differ by provider."""

    name: str
    provider: Literal["s3", "gcs", "azure", "directory", "nfs"]
    prefix: str
    references: dict[str, str]
    passphrase_is_set: bool


class MountStep(Shape):
    """One step of mounting a directory: what it is for, and what to type or to put into a file."""

    step: str
    text: str


class Check(Shape):
    """One thing that Snapline needs of a store, and whether it is so."""

    check: str
    ok: bool
    detail: str


class DeadLetter(Shape):
    """A message that could not be handled."""

    queue: str
    id: str
    type: str | None
    reason: str
    sender: str | None
    parked_at: datetime | None
    size: int


class DeadLetterDescribed(DeadLetter):
    """With the beginning of its body."""

    body: str


class Deletion(Shape):
    """What became of the deletion of a backup; as `Pruned`."""

    name: str
    status: Literal["Requested", "Deleted", "Failed"]
    reclaimed_bytes: int | None = None
    young_bytes: int | None = None
    young_until: datetime | None = None
    locked_bytes: int | None = None
    locked_until: datetime | None = None
    reason: str | None = None


class Redriven(Shape):
    """How many dead letters were given back."""

    queue: str
    redriven: int


class Dropped(Shape):
    """How many dead letters were thrown away."""

    queue: str
    dropped: int


class File(Shape):
    """A path in a volume; `path` is for people, `name_base64` has it where that is not exactly the name. Values that
    are null are not known; `mtime` is in nanoseconds since 1970."""

    path: str
    kind: str
    mode: str | None
    uid: int | None
    gid: int | None
    size: int | None
    mtime: int | None
    target: str
    name_base64: str
    modified_at: str | None


class FileFound(File):
    """In one of several volumes."""

    volume: str


class VolumeOfFiles(Shape):
    """A volume that can be looked into."""

    volume: str
    pod: str
    scanned_bytes: int
    files: int


class FileDifference(Shape):
    """A path that differs between two backups."""

    what: Literal["added", "removed", "changed"]
    volume: str
    path: str
    kind: str
    size: int | None
    fields: list[str]


class FilesRestored(Shape):
    """What was written to this machine; `lost` says which paths were not, and why."""

    files: int
    bytes: int
    lost: list[str]
    warnings: list[str]


class Problem(Shape):
    """Something that is wrong with a repository; `more` are hurt that are not named."""

    code: str
    problem: str
    hurts: list[str]
    more: int


class Problems(Shape):
    """What a check has found."""

    problems: list[Problem]


class Verified(Problems):
    """What was read back, and what is wrong with it."""

    packs: int
    packs_total: int
    read_bytes: int


class Pruned(Shape):
    """What came back, and what will from `young_until` on, as packs younger than an hour stay, and from `locked_until`
    on, as the store keeps it locked."""

    reclaimed_bytes: int
    young_bytes: int = 0
    young_until: datetime | None = None
    locked_bytes: int = 0
    locked_until: datetime | None = None


class Stats(Shape):
    """How much there is in a repository; `content_bytes` is before compression."""

    volumes: int
    packs: int
    stored_bytes: int
    chunks: int
    content_bytes: int
    marked_packs: int
    damaged_chunks: int


class Repaired(Shape):
    """What was done to an index; `unreadable` packs cannot be listed."""

    listed: int
    dropped: int
    unreadable: list[str]
    replaced: int


class RecoveryText(Shape):
    """It opens the repository when all keys are lost."""

    recovery_text: str


class Key(Shape):
    """A passphrase that opens a repository, without it."""

    id: str
    label: str
    created_at: str


class KeyMade(Shape):
    """Another one."""

    id: str


class KeyRemoved(Shape):
    """One less."""

    removed: str


class Published(Shape):
    """An event that was published."""

    id: str
    type: str
    read_as: Literal["data", "event"]


class Setting(Shape):
    """A variable of the environment."""

    variable: str
    value: str
    meaning: str


class Failure(Shape):
    """What went wrong, on standard error: `code` is the exit code, `reason` is stable."""

    message_type: Literal["exit_error"]
    code: int
    reason: str
    message: str
    remedy: str


class KeptLine(Shape):
    """Something that is known of a job."""

    time: datetime
    level: Literal["info", "warning", "error"]
    text: str


class VersionedPart(Shape):
    """One thing that is stored: `where` (a destination, or `cluster`), `what` it is, how many there are, and how the
    worst of them stands to this version."""

    where: str
    what: str
    count: int
    standing: Literal["current", "older", "unreadable", "newer"]
    text: str
