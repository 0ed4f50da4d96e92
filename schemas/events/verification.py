"""The events about whether backups can be believed: reading them back, and restoring them on trial."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schemas.events.base import THE_DEFAULT, BackupEvent, Chosen, Event, Name, printable
from schemas.messages import Message

Depth = Literal["structure", "sample", "full"]
"""How deep a verification looks: whether all is there that is needed; a part of the contents, the next part the next
time; every byte."""
NameOrNewest = Annotated[str, Field(max_length=253), AfterValidator(printable)]
"""The name of a backup; empty for the newest good one."""
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


VERIFICATION_ENDS: tuple[type[Event], ...] = (BackupVerified, BackupVerificationFailed)
"""How verifications end."""
