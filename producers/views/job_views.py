"""What anybody can see of a backup or restore: in a list, and by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from producers.views.copies.standings import CopyView
from producers.views.plans import PlanView
from producers.views.standing import StandingView
from producers.views.volumes import VolumeView
from schemas import records
from schemas.events import Depth, Scope
from schemas.messages import Message
from schemas.records import Hold, HookResult

Ended = records.Status
Underway = Literal["Queued", "InProgress", "Cancelling", "Rejected", "Unreadable"]
Status = Ended | Underway


Verdict = Literal["passed", "failed"]


@dataclass(frozen=True)
class CheckedView:
    """What counts of the verifications of a backup: when, how deep, and what came of it. What a deeper one has found
    counts until one as deep has found nothing."""

    at: datetime
    depth: Depth
    verdict: Verdict


@dataclass(frozen=True)
class RestoreTestView:
    """How the newest test restore of a backup ended, and after how many seconds."""

    at: datetime
    seconds: float
    verdict: Verdict
    problems: tuple[Message, ...] = ()


@dataclass(frozen=True)
class VerificationView:
    """The newest verification of a depth; `problems` names the first."""

    depth: Depth
    at: datetime
    seconds: float
    verdict: Verdict
    problems: tuple[Message, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class BackupView:
    """One backup as a list shows it: numbers of things, and sizes in bytes. `completed_at` is None while it is under
    way; then the numbers are not known, and 0. A safety snapshot is the `snapshot_of` a restore.

    A request that was rejected is shown as the backup that it would have been; `request` is its event id, and `reasons`
    say why.

    One is `Unreadable` if its record is damaged, or none of ours: `reason` says why, and only `name` is known, and as
    `requested_at` when that record was written.

    It expires at `expires_at`, None if nothing says when; one that is `held` stays even so. `checked` and `tested` say
    how good it is known to be. One that is a copy was `copied_from` another destination; `copies` are its own.
    `sequences` are the release sequences of its `apps`, in their order."""

    name: str
    status: Status
    destination: str
    app: str | None
    apps: tuple[str, ...]
    schedule: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    objects: int = 0
    volumes: int = 0
    size: int = 0
    uploaded_bytes: int = 0
    errors: int = 0
    warnings: int = 0
    reason: Message | None = None
    notes: tuple[Message, ...] = ()
    snapshot_of: str | None = None
    request: str = ""
    reasons: tuple[Message, ...] = ()
    expires_at: datetime | None = None
    held: bool = False
    checked: CheckedView | None = None
    tested: RestoreTestView | None = None
    copied_from: str | None = None
    copies: tuple[CopyView, ...] = ()
    sequences: tuple[int, ...] = ()


@dataclass(frozen=True)
class RestoreView:
    """One restore as a list shows it; as `BackupView`. `snapshot` is the backup that was taken of what it deletes. A
    `test` restore was ready after `restore_seconds`, if it went well."""

    name: str
    status: Status
    destination: str
    backup: str
    scope: Scope
    app: str | None
    requested_at: datetime
    completed_at: datetime | None = None
    objects: int = 0
    bytes: int = 0
    files: int = 0
    errors: int = 0
    warnings: int = 0
    reason: Message | None = None
    notes: tuple[Message, ...] = ()
    snapshot: str | None = None
    request: str = ""
    reasons: tuple[Message, ...] = ()
    test: bool = False
    restore_seconds: float | None = None


@dataclass(frozen=True)
class BackupDetails:
    """All that is known of one backup. `standing` is None unless it is under way, `hold` unless it is held."""

    view: BackupView
    verifications: tuple[VerificationView, ...] = ()
    volumes: tuple[VolumeView, ...] = ()
    hooks: tuple[HookResult, ...] = ()
    errors: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()
    standing: StandingView | None = None
    hold: Hold | None = None


@dataclass(frozen=True)
class RestoreDetails:
    """All that is known of one restore, as `BackupDetails`. `plan` is None while what will be done is not decided."""

    view: RestoreView
    plan: PlanView | None = None
    hooks: tuple[HookResult, ...] = ()
    errors: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()
    standing: StandingView | None = None
