"""The events about whether backups can be believed: reading them back, and restoring them on trial."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.events.base import THE_DEFAULT, BackupEvent, Chosen, Event, Name, NameOrNewest
from schemas.events.due import Due
from schemas.messages import Message

Depth = Literal["structure", "sample", "full"]
"""How deep a verification looks: whether all is there that is needed; a part of the contents, the next part the next
time; every byte."""
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
A_MONTH = 30 * 24 * 3600.0


class BackupVerifyRequested(Event):
    """Read the backup back, as deep as `depth`. Without a name it is the newest good one of `app`, or the newest full
    one, at the time when the request is taken up. Samples that come regularly cover everything `within_seconds`."""

    type: ClassVar[str] = "backup.verify.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()

    backup: NameOrNewest = ""
    app: Name | None = None
    depth: Depth = "full"
    within_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = A_MONTH
    schedule: Name | None = None
    due: Due | None = None
    destination: Chosen = THE_DEFAULT


class _Answer(BackupEvent):
    """Base of the answers; `backup` is empty where none was found. `app` as in the final events of backups."""

    identity: ClassVar[tuple[str, ...]] = ("backup", "request")

    backup: NameOrNewest
    app: Name | None = None
    request: str

    @property
    def subject(self) -> str | None:
        """See `Event`."""
        return self.backup or None


class BackupVerified(_Answer):
    """The backup was read back as deep as `depth`, and all is well. `problems` is empty."""

    type: ClassVar[str] = "backup.verified.v1"

    depth: Depth = "full"
    problems: list[Message] = []


class BackupVerificationFailed(_Answer):
    """Something of the backup is damaged or gone, or it could not be read back. `problems` names the first of them."""

    type: ClassVar[str] = "backup.verification_failed.v1"

    depth: Depth = "full"
    reason: Message
    problems: list[Message] = []


class BackupTestRestored(BackupEvent):
    """The test restore `restore` of the backup went well: after `seconds`, counted from its request, all was ready, and
    its check had passed. What it had made is removed."""

    type: ClassVar[str] = "backup.test_restored.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "restore")

    app: Name | None = None
    restore: Name
    seconds: Seconds


class BackupTestRestoreFailed(BackupEvent):
    """The backup could not be restored wholly, or was not ready in time, or its check did not pass, or what was made
    for it could not be removed."""

    type: ClassVar[str] = "backup.test_restore_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "restore")

    app: Name | None = None
    restore: Name
    seconds: Seconds
    reason: Message


VERIFICATION_ENDS: tuple[type[Event], ...] = (
    BackupVerified,
    BackupVerificationFailed,
    BackupTestRestored,
    BackupTestRestoreFailed,
)
"""How verifications and test restores end."""
