"""The events about copies of backups in further destinations."""

from typing import ClassVar

from schemas.events.base import THE_DEFAULT, BackupEvent, Chosen, Count, Name
from schemas.messages import Message


class BackupCopyRequested(BackupEvent):
    """Copy the backup, which is in `destination`, to the destination `to`, under the same name."""

    type: ClassVar[str] = "backup.copy.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "destination", "to")

    to: Name
    destination: Chosen = THE_DEFAULT


class _Answer(BackupEvent):
    """Base of the answers to the request `request`. `app` as in the final events of backups."""

    identity: ClassVar[tuple[str, ...]] = ("backup", "destination", "to", "request")

    app: Name | None = None
    to: Name
    request: str


class BackupCopied(_Answer):
    """The backup is in the destination `to` as well. Its volumes hold `scanned_bytes`; of that `read_bytes` were read
    in `destination`, and `uploaded_bytes` written to `to`, which had the rest."""

    type: ClassVar[str] = "backup.copied.v1"

    scanned_bytes: Count = 0
    read_bytes: Count = 0
    uploaded_bytes: Count = 0


class BackupCopyFailed(_Answer):
    """The backup could not be copied to the destination `to`; it is not listed there."""

    type: ClassVar[str] = "backup.copy_failed.v1"

    reason: Message


COPY_ENDS: tuple[type[BackupEvent], ...] = (BackupCopied, BackupCopyFailed)
"""How copies end."""
