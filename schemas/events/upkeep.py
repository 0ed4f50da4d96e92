"""The events about jobs of either kind, and about what keeps backups well: progress, notifications, deletion, pruning,
the clock and the watchdog."""

from typing import ClassVar

from pydantic import AwareDatetime

from schemas.events.base import DEFAULT_DESTINATION, THE_DEFAULT, BackupEvent, Chosen, Count, Event, Name, RestoreEvent
from schemas.messages import Message


class VolumesProgressed(Event):
    """How far the copy or restore of one volume (`<namespace>/<claim>` or `<namespace>/<pod>/<volume>`) has come, in
    bytes and files."""

    type: ClassVar[str] = "volumes.progressed.v1"
    identity: ClassVar[tuple[str, ...]] = ("job", "volume", "bytes_done", "bytes_total", "files_done")
    subject_field: ClassVar[str] = "job"

    job: Name
    volume: str
    bytes_done: Count
    bytes_total: Count
    files_done: Count


class UpkeepProgressed(Event):
    """How far a deletion, a prune, a verification or a copy has come that was asked for by the event `request`: what it
    is `doing`, and how much of that is `done`. `doing` says of what: bytes, packs or volumes."""

    type: ClassVar[str] = "upkeep.progressed.v1"
    identity: ClassVar[tuple[str, ...]] = ("request", "doing", "done", "total")

    request: str
    doing: str
    done: Count
    total: Count
    destination: Name = DEFAULT_DESTINATION


PROGRESS = (VolumesProgressed, UpkeepProgressed)
"""What nobody needs to hear: the work goes on without."""


class NotificationDelivered(Event):
    """`target` has accepted the news of event `event`."""

    type: ClassVar[str] = "notification.delivered.v1"
    identity: ClassVar[tuple[str, ...]] = ("event", "target")

    event: str
    target: str


class NotificationFailed(Event):
    """`target` could not be told of event `event`."""

    type: ClassVar[str] = "notification.failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("event", "target")

    event: str
    target: str
    reason: Message


class BackupDeleteRequested(BackupEvent):
    """Delete the backup and what only it refers to. One that has `expired` goes only if it is not the last good one."""

    type: ClassVar[str] = "backup.delete.requested.v1"

    destination: Chosen = THE_DEFAULT
    expired: bool = False


class BackupDeleted(BackupEvent):
    """The backup is gone; `reclaimed_bytes` came back at once. `young_bytes` are too young to be deleted; a later prune
    or deletion reclaims them, from `young_until` on. `locked_bytes` are locked by the store, until `locked_until` if it
    says so; a later prune reclaims these, too."""

    type: ClassVar[str] = "backup.deleted.v1"

    reclaimed_bytes: Count = 0
    young_bytes: Count = 0
    young_until: AwareDatetime | None = None
    locked_bytes: Count = 0
    locked_until: AwareDatetime | None = None


class BackupDeleteFailed(BackupEvent):
    """The backup could not be deleted."""

    type: ClassVar[str] = "backup.delete_failed.v1"

    reason: Message


class RepositoryPruneRequested(Event):
    """Reclaim what no backup refers to."""

    type: ClassVar[str] = "repository.prune.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()

    destination: Chosen = THE_DEFAULT


class RepositoryPruned(Event):
    """A prune has ended. `young_bytes` are too young to be deleted, `locked_bytes` are locked by the store; a later one
    reclaims them, from `young_until` and `locked_until`."""

    type: ClassVar[str] = "repository.pruned.v1"
    identity: ClassVar[tuple[str, ...]] = ("request",)

    request: str
    reclaimed_bytes: Count
    young_bytes: Count = 0
    young_until: AwareDatetime | None = None
    locked_bytes: Count = 0
    locked_until: AwareDatetime | None = None
    destination: Name = DEFAULT_DESTINATION


class RepositoryPruneFailed(Event):
    """Nothing was reclaimed."""

    type: ClassVar[str] = "repository.prune_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("request",)

    request: str
    reason: Message
    destination: Name = DEFAULT_DESTINATION


class TickMinute(Event):
    """The scheduler's clock: a minute has begun (`minute` is RFC 3339, UTC)."""

    type: ClassVar[str] = "tick.minute.v1"
    identity: ClassVar[tuple[str, ...]] = ("minute",)

    minute: str


class BackupStalled(BackupEvent):
    """The watchdog found no progress and told the missing step again, for the `nudge`th time in all. Of the queues that
    should hear it, nobody serves those that are `unserved`."""

    type: ClassVar[str] = "backup.stalled.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "nudge")

    nudge: Count
    unserved: list[str] = []


class RestoreStalled(RestoreEvent):
    """As `backup.stalled`, of a restore."""

    type: ClassVar[str] = "restore.stalled.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "nudge")

    nudge: Count
    unserved: list[str] = []
