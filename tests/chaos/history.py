"""What a campaign has asked for, done and seen: all that the checker judges by, and nothing else."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["backup", "restore", "delete", "prune", "verify", "copy"]
KINDS: tuple[Kind, ...] = ("backup", "restore", "delete", "prune", "verify", "copy")

RECORD = "record"
"""In place of an event's id: the end was found on record, as the event was lost with the broker's data."""
DELETED = "its backup was deleted"
"""An excuse."""


@dataclass(frozen=True)
class Request:
    """What was asked for under the id `id`, about `subject`: the job that it makes, or the backup that it names. The
    broker has `accepted` it. `excuses` are why it may well not be Completed: what else was asked of the same job or
    backup, and which faults take something away."""

    id: str
    kind: Kind
    subject: str
    accepted: bool = True
    excuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """An end that was told of a request: its status (`Completed`, `Rejected`, `Deleted`, `Pruned` ...), the event's id,
    what it says, and the code of its reason."""

    request: str
    status: str
    event: str
    said: str
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Final:
    """A final record, as it was seen at some time."""

    job: str
    status: str
    ended_at: str


@dataclass(frozen=True)
class Letter:
    """A dead letter. It is `ours` if the campaign has sent it to be parked."""

    queue: str
    type: str
    reason: str
    ours: bool


@dataclass(frozen=True)
class Exit:
    """A worker that ended with a code, which the campaign's own signals explain or not."""

    worker: str
    code: int
    explained: bool


@dataclass(frozen=True)
class Look:
    """What was found of a Completed backup: whether it was read back wholly, by the line and by the library, and what
    differs from what was there when it was taken. `compared` says whether that was known."""

    backup: str
    verified: str
    compared: bool
    differences: tuple[str, ...] = ()


@dataclass
class History:
    """All of it. `ended_in` is how many seconds after the last fault all had ended, None if they have not."""

    requests: list[Request] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    unlooked: Collection[str] = ()
    restored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    unwell: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    repository: list[str] = field(default_factory=list)
    ended_in: float | None = None
