"""What all events are made of: the base models and the types of their fields.

An event is a small frozen model; on the wire it is the `data` of a CloudEvents envelope. Readers ignore unknown fields,
writers are strict. A field may be added; a changed meaning is a new type with the next version.

An event's id is derived from what it says (`identity`), never drawn, so telling it twice tells it once.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.job import Job


def printable(text: str) -> str:
    """The text itself. Raises ValueError where it has line breaks, control characters or halves of characters: what
    strangers call things ends up in logs, headers and terminals."""
    if not text.isprintable():
        raise ValueError("it must be printable text, without line breaks and control characters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(printable)]
Chosen = Annotated[str, Field(max_length=253), AfterValidator(printable)]
"""The name of a destination, or `THE_DEFAULT`."""
NameOrNewest = Annotated[str, Field(max_length=253), AfterValidator(printable)]
"""The name of a backup; empty for the newest good one."""
Count = Annotated[int, Field(ge=0)]
Scope = Literal["full", "applications", "console"]

DEFAULT_DESTINATION = "default"
"""What the default destination is called until another one is chosen; and that of events and records without one."""
THE_DEFAULT = ""
"""In a request, in place of a name: the destination that is the default one when the request is taken up."""


class Event(BaseModel):
    """Base of all events. `type` is the wire type; `identity` names the fields that make its id."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    type: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]
    subject_field: ClassVar[str] = ""

    @property
    def event_id(self) -> str:
        """The derived id: the same facts give the same id."""
        return "/".join([self.type, *(str(getattr(self, field)) for field in self.identity)])

    @property
    def subject(self) -> str | None:
        """The backup or restore that the event is about."""
        return str(getattr(self, self.subject_field)) if self.subject_field else None


class JobEvent(Event):
    """An event about one backup or restore; `destination` is the one that holds its records."""

    destination: Name = DEFAULT_DESTINATION

    @property
    def job(self) -> Job:
        """The backup or restore."""
        raise NotImplementedError


class BackupEvent(JobEvent):
    """An event about one backup."""

    identity: ClassVar[tuple[str, ...]] = ("backup",)
    subject_field: ClassVar[str] = "backup"

    backup: Name

    @property
    def job(self) -> Job:
        """The backup."""
        return Job("backup", self.backup)


class RestoreEvent(JobEvent):
    """An event about one restore."""

    identity: ClassVar[tuple[str, ...]] = ("restore",)
    subject_field: ClassVar[str] = "restore"

    restore: Name

    @property
    def job(self) -> Job:
        """The restore."""
        return Job("restore", self.restore)
