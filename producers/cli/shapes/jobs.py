"""What is printed of backups and restores."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from producers.cli.shapes.base import Shape


class Requested(Shape):
    """A request that was published; `name` is what its job will be called, unless that is taken."""

    request: str
    name: str
    status: Literal["Requested"]


class Backup(Shape):
    """A backup that has ended. `size` is of all files, `uploaded_bytes` what was new of them; `errors` and `warnings`
    are numbers. It `expires_at` then, unless it is `held`. Of its verifications that is told which counts, and of its
    test restores the newest; `restore_seconds` if that has passed. One that is a copy was `copied_from` a
    destination; `copies` says of others how it is with its copies there. `destination` is told in lists over all."""

    name: str
    status: Literal["Completed", "PartiallyFailed", "Failed", "Cancelled"]
    app: str | None
    apps: list[str]
    schedule: str | None
    snapshot_of: str | None
    objects: int
    volumes: int
    size: int
    uploaded_bytes: int
    errors: int
    warnings: int
    requested_at: datetime
    completed_at: datetime
    duration_seconds: float
    expires_at: datetime | None
    held: bool
    last_verified: datetime | None
    verification: Literal["passed", "failed"] | None
    depth: Literal["structure", "sample", "full"] | None
    last_test_restored: datetime | None
    test_restore: Literal["passed", "failed"] | None
    restore_seconds: float | None
    copied_from: str | None
    copies: dict[str, Literal["wanted", "copied", "failed"]]
    reason: str
    destination: str = ""


class Restore(Shape):
    """A restore that has ended. `snapshot` is the backup of what it has deleted. A `test` restore was ready, and its
    check had passed, after `restore_seconds`."""

    name: str
    status: Literal["Completed", "PartiallyFailed", "Failed", "Cancelled"]
    backup: str
    scope: Literal["full", "applications", "console"]
    app: str | None
    snapshot: str | None
    objects: int
    bytes: int
    files: int
    errors: int
    warnings: int
    requested_at: datetime
    completed_at: datetime
    duration_seconds: float
    test: bool
    restore_seconds: float | None
    reason: str


class Underway(Shape):
    """A backup or restore that has not ended."""

    name: str
    status: Literal["Queued", "InProgress", "Cancelling"]
    app: str | None
    requested_at: datetime
    notes: list[str]


class BackupUnderway(Underway):
    """A backup that has not ended."""

    snapshot_of: str | None
    expires_at: datetime | None
    held: bool
    destination: str = ""


class RestoreUnderway(Underway):
    """A restore that has not ended."""

    backup: str
    scope: Literal["full", "applications", "console"]
    snapshot: str | None
    test: bool


class Rejected(Shape):
    """A request that was refused; `request` is its id. What its event alone tells lacks the rest."""

    name: str
    status: Literal["Rejected"]
    request: str
    reasons: list[str]
    requested_at: datetime | None = None
    app: str | None = None
    backup: str | None = None
    scope: Literal["full", "applications", "console"] | None = None
    destination: str = ""


class Unreadable(Shape):
    """A job whose record is damaged, or none of ours."""

    name: str
    status: Literal["Unreadable"]
    requested_at: datetime
    reason: str
    destination: str = ""


class Ended(BaseModel):
    """How a job ended that the sender may not look at in the store: the final event's fields besides."""

    name: str
    status: str


class Volume(Shape):
    """A volume of a backup."""

    namespace: str
    pod: str
    name: str
    claim: str | None
    scanned_bytes: int
    changed_bytes: int
    uploaded_bytes: int
    files: int


class Hook(Shape):
    """A hook that was run. `problem` says why its command and output are not shown."""

    phase: str
    source: str
    namespace: str
    pod: str
    container: str
    started_at: datetime
    seconds: float
    exit_code: int | None
    error: str
    command: list[str]
    stdout: str
    stderr: str
    stdout_cut: bool
    stderr_cut: bool
    problem: str


class Verification(Shape):
    """What the newest verification of a depth has found: the first `problems`, and how many `more`."""

    depth: Literal["structure", "sample", "full"]
    at: datetime
    seconds: float
    verdict: Literal["passed", "failed"]
    problems: list[str]
    more: int


class VerificationAnswered(Shape):
    """What came of a verification that was waited for."""

    name: str
    status: Literal["Verified", "VerificationFailed"]
    depth: Literal["structure", "sample", "full"]
    problems: list[str]


class CopyResult(Shape):
    """How it is with the copy of a backup in a destination: since when it is wanted, or when it was made or failed."""

    to: str
    standing: Literal["wanted", "copied", "failed"]
    at: datetime | None
    reason: str
    read_bytes: int
    uploaded_bytes: int


class CopyAnswered(Shape):
    """What came of a copy that was waited for. `size` is of all files; if it failed, the `reason` stands in place of
    all that."""

    name: str
    status: Literal["Copied", "CopyFailed"]
    to: str
    size: int | None = None
    read_bytes: int | None = None
    uploaded_bytes: int | None = None
    reason: str = ""


class TriedInDirectory(Shape):
    """What came of a test restore of the volumes alone, into a directory."""

    name: str
    status: Literal["Completed", "PartiallyFailed"]
    volumes: int
    files: int
    bytes: int
    restore_seconds: float
    errors: list[str]


class Content(Shape):
    """An object that a backup holds."""

    kind: str
    namespace: str
    name: str
    owners: list[str]


class BackupDescribed(Backup):
    """A backup that has ended, by itself; `contents` with `--objects`, `hold` if it is held: by whom and why."""

    volumes: list[Volume]  # type: ignore[assignment]  # there are more of them than a number says
    hooks: list[Hook]
    errors: list[str]  # type: ignore[assignment]
    warnings: list[str]  # type: ignore[assignment]
    verifications: list[Verification]
    test_restore_problems: list[str]
    copy_results: list[CopyResult]
    contents: list[Content] | None = None
    hold: str = ""


class Planned(Shape):
    """What a restore was decided to do: `replaced` objects are deleted, of which `newer` do not come back."""

    planned_objects: int | None = None
    replaced: int | None = None
    newer: list[str] = []
    left_alone: list[str] = []


class RestoreDescribed(Restore, Planned):
    """A restore that has ended, by itself."""

    hooks: list[Hook]
    errors: list[str]  # type: ignore[assignment]
    warnings: list[str]  # type: ignore[assignment]


class Standing(Shape):
    """How far a job under way has come."""

    phase: str | None = None
    objects: int | None = None
    volumes: int | None = None
    volumes_done: int | None = None
    bytes_done: int | None = None


class BackupUnderwayDescribed(BackupUnderway, Standing):
    """A backup that has not ended, by itself."""

    hold: str = ""


class RestoreUnderwayDescribed(RestoreUnderway, Standing, Planned):
    """A restore that has not ended, by itself."""


class Foreseen(Shape):
    """What a restore would bring back; `kinds` is how many objects of which. And what becomes of what is there:
    `deleted` by name, since it does not come back; how many are `replaced`, `created`, `left`; `conflicts`. These are
    null where the cluster cannot be looked at; `unknown` says why."""

    backup: str
    scope: Literal["full", "applications", "console"]
    app: str | None
    objects: int
    kinds: dict[str, int]
    owners: list[str]
    volumes: int
    bytes: int
    deleted: list[str] | None
    replaced: int | None
    created: int | None
    left: int | None
    conflicts: list[str] | None
    unknown: str | None
