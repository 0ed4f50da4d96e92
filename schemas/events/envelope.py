"""The CloudEvents 1.0 envelope in structured JSON, and the registry of all events: wire form <-> model."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import MalformedEvent
from schemas.events import backup, restore, upkeep
from schemas.events.base import Event

MAX_BODY = 256 * 1024
"""Longest accepted message body, in bytes. Events carry references; data lives in the object store."""


def _concrete(base: type[Event]) -> Iterable[type[Event]]:
    for kind in base.__subclasses__():
        if "type" in vars(kind):
            yield kind
        yield from _concrete(kind)


KINDS: dict[str, type[Event]] = {kind.type: kind for kind in _concrete(Event)}
"""Wire type -> model, of every event there is."""

REQUESTS: frozenset[str] = frozenset(
    kind.type
    for kind in (
        backup.BackupRequested,
        restore.RestoreRequested,
        upkeep.BackupDeleteRequested,
        upkeep.BackupVerifyRequested,
        upkeep.RepositoryPruneRequested,
    )
)
"""What other systems may publish; everything else is accepted from inside only."""

FINAL: tuple[type[Event], ...] = (
    backup.BackupCompleted,
    backup.BackupPartiallyFailed,
    backup.BackupFailed,
    backup.BackupCancelled,
    restore.RestoreCompleted,
    restore.RestorePartiallyFailed,
    restore.RestoreFailed,
    restore.RestoreCancelled,
    backup.BackupRejected,
    restore.RestoreRejected,
)
"""What ends a job."""


E = TypeVar("E", bound=Event, covariant=True)
W = TypeVar("W", bound=Event)


class CloudEvent(BaseModel, Generic[E]):
    """The CloudEvents 1.0 envelope. `causationid` and `correlationid` are extension attributes:
    the event that led to this one, and the request that began it all."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(min_length=1, max_length=1024)]
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    type: Annotated[str, Field(min_length=1, max_length=128)]
    subject: str | None = None
    time: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    datacontenttype: Literal["application/json"] = "application/json"
    causationid: str | None = None
    correlationid: str | None = None
    data: E


AnyEvent = CloudEvent[Event]


def wrap(
    event: W, *, source: str, time: datetime, id: str | None = None, cause: AnyEvent | None = None
) -> CloudEvent[W]:
    """The envelope of `event`. Without `id`, the derived one. What a request leads to has its id as the correlation,
    whatever its sender has made of that attribute."""
    return CloudEvent[W](
        id=id or event.event_id,
        source=source,
        type=event.type,
        subject=event.subject,
        time=time,
        causationid=cause.id if cause else None,
        correlationid=_correlation(cause) if cause else None,
        data=event,
    )


def _correlation(cause: AnyEvent) -> str:
    return cause.id if cause.type in REQUESTS else cause.correlationid or cause.id


def encode(event: AnyEvent) -> bytes:
    """The wire form: structured-mode JSON, UTF-8, keys in model order."""
    body = event.model_dump(mode="json", exclude={"data"}, exclude_none=True)
    body["data"] = event.data.model_dump(mode="json")
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def parse(body: bytes) -> AnyEvent:
    """The event in `body`. Raises MalformedEvent with the reason in plain words."""
    if len(body) > MAX_BODY:
        raise MalformedEvent(f"body is {len(body)} bytes long; the limit is {MAX_BODY}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"body is not JSON: {error}") from error
    if not isinstance(document, dict) or "specversion" not in document:
        raise MalformedEvent("body is not a CloudEvent: an object with 'specversion', 'id', 'source', 'type', 'data'")
    kind = kind_of(document.get("type"))
    try:
        parsed: AnyEvent = CloudEvent[kind].model_validate_json(body)  # type: ignore[valid-type]  # chosen at run time
    except (ValidationError, ValueError, RecursionError) as error:
        raise MalformedEvent(f"{kind.type}: {explain(error)}") from error
    return parsed


def kind_of(type_: Any) -> type[Event]:
    """The model of a wire type. Raises MalformedEvent for an unknown type or version."""
    if not isinstance(type_, str):
        raise MalformedEvent(f"attribute 'type' is {type_!r:.80}; it must be a string such as 'backup.requested.v1'")
    if kind := KINDS.get(type_):
        return kind
    name, _, version = type_.rpartition(".")
    known = sorted(known for known in KINDS if known.rpartition(".")[0] in (name, type_))
    if known:
        said = f"version '{version}' of '{name}'" if name in known[0] and version else f"'{type_}'"
        raise MalformedEvent(f"{said} is not known here; this reader knows {', '.join(known)}"[:500])
    raise MalformedEvent(f"event type {type_!r:.120} is not known")


def explain(error: Exception) -> str:
    """A validation error as one line: where and what, without the offending values."""
    if not isinstance(error, ValidationError):
        return str(error)[:500]
    problems = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors(include_input=False)]
    return "; ".join(problems)[:1000]
