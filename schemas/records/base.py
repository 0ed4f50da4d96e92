"""What all records are made of, and how they are stored: JSON; unknown fields survive being read and written again."""

from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import Damaged
from schemas.events import DEFAULT_DESTINATION, explain
from schemas.messages import Message

Status = Literal["Completed", "PartiallyFailed", "Failed", "Cancelled"]
VolumeKind = Literal["claim", "emptyDir"]
R = TypeVar("R", bound=BaseModel)


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: Literal[1] = 1


class AppRef(BaseModel):
    """One application in a backup. `digest` is of its registration, as it was when its license was asked."""

    model_config = ConfigDict(frozen=True, extra="allow")

    slug: str
    name: str = ""
    version: str = ""
    sequence: int = 0
    digest: str = ""


class Request(Record):
    """Common to both kinds of request: `request` is the derived identity, `sender` the broker's user, `destination`
    where the job's records are."""

    name: str
    request: str
    event_id: str
    sender: str = ""
    requested_at: datetime
    destination: str = DEFAULT_DESTINATION
    claims: list[str] = []
    """What the job claims before it begins: `console`, `application/<slug>`."""
    notes: list[Message] = []


class Asked(Record):
    """What a request has asked for: the data of its event."""

    data: dict[str, Any]


class Answer(Record):
    """What a request was answered: the type and the data of an event."""

    type: str
    data: dict[str, Any]


class Rejection(Record):
    """A request that was refused: what was asked, and the reasons. `name` is what its job would have been called. The
    rest as in `Request`; no `sender` is known of a request that could not even be looked into."""

    name: str
    request: str
    event_id: str
    sender: str = ""
    rejected_at: datetime
    destination: str = DEFAULT_DESTINATION
    app: str | None = None
    reasons: list[Message]


class Running(Record):
    """The marker of an unfinished job. `nudged` counts how often the watchdog has helped it, `nudges` how often in a
    row in vain, with `newest` the time of its newest record then. For as long as it `rests`, from when the marker was
    written, a message of it that has failed is not yet tried again: why, says `failure`, and its subject is what."""

    nudged: int = 0
    nudges: int = 0
    newest: datetime | None = None
    rests: timedelta = timedelta(0)
    failure: Message | None = None


class WantedPrune(Record):
    """Somebody waits for a prune; `reclaimed_bytes` when it has ended, and `young_bytes` and `locked_bytes`,
    which may go later."""

    reclaimed_bytes: int | None = None
    young_bytes: int = 0
    young_until: datetime | None = None
    locked_bytes: int = 0
    locked_until: datetime | None = None


class UpkeepLease(Record):
    """Of a process that does upkeep for a destination: for which `request`, if not for all, and how far it is."""

    request: str = ""
    doing: str = ""
    done: int = 0
    total: int = 0


class HolderRecord(Record):
    """One entry in the list of the restores that claim a resource."""

    restore: str


class Queued(Record):
    """That a job waits for another to end: `behind` is its kind and name."""

    since: datetime
    behind: str


def volume_key(namespace: str, pod: str, name: str, claim: str | None) -> str:
    """What a volume is called, in records, events and on the command line: `<namespace>/<claim>`, or
    `<namespace>/<pod>/<volume>` for one without a claim."""
    return f"{namespace}/{claim}" if claim else f"{namespace}/{pod}/{name}"


def decode(model: type[R], key: str, body: bytes) -> R:
    """The record in `body`, read from `key`. Raises Damaged."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Damaged(f"the record {key} cannot be read: {explain(error)}") from error


def encode(record: BaseModel) -> bytes:
    """The stored form."""
    return record.model_dump_json(exclude_none=True).encode()
