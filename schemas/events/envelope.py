"""The CloudEvents 1.0 envelope in structured JSON, and the registry of all events: wire form <-> model."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import MalformedEvent
from schemas.events import alarms, audit, backup, copies, restore, upkeep, verification
from schemas.events.base import Event
from schemas.events.trace_context import TraceParent, TraceState

MAX_ID = 255
"""Longest id and source of a request, in characters: events that it leads to carry them along."""
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
        copies.BackupCopyRequested,
        restore.BackupTestRestoreRequested,
        upkeep.BackupDeleteRequested,
        verification.BackupVerifyRequested,
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

NEWS: tuple[type[Event], ...] = (
    *FINAL,
    *verification.VERIFICATION_ENDS,
    *copies.COPY_ENDS,
    backup.BackupSuspicious,
    *alarms.ALARMS,
)
"""What people are told of."""

AUDIT: tuple[type[Event], ...] = (audit.AuditRecorded,)
"""What says who has done what."""

BEGINNINGS: tuple[type[Event], ...] = (backup.BackupLicensed, restore.RestoreLicensed)
"""What says that a job begins; pings alone are for that."""


Attribute = Annotated[str, Field(max_length=1024)]
E = TypeVar("E", bound=Event, covariant=True)
W = TypeVar("W", bound=Event)


class CloudEvent(BaseModel, Generic[E]):
    """The CloudEvents 1.0 envelope. `causationid` and `correlationid` are extension attributes:
    the event that led to this one, and the request that began it all. So are `traceparent` and `tracestate`, W3C's:
    where in a trace it was sent."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(min_length=1, max_length=1024)]
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    type: Annotated[str, Field(min_length=1, max_length=128)]
    subject: Attribute | None = None
    time: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    datacontenttype: Literal["application/json"] = "application/json"
    causationid: Attribute | None = None
    correlationid: Attribute | None = None
    traceparent: TraceParent = None
    tracestate: TraceState = None
    data: E

    @model_validator(mode="after")
    def _a_strangers_names_are_short_and_printable(self) -> Self:
        if self.type in REQUESTS:
            for name in ("id", "source"):
                value = getattr(self, name)
                if len(value) > MAX_ID:
                    raise ValueError(f"{name} is {len(value)} characters long; the limit for a request is {MAX_ID}")
                if not value.isprintable():
                    raise ValueError(f"{name} is not printable text, without line breaks and control characters")
        return self


AnyEvent = CloudEvent[Event]


@cache
def envelope(kind: type[W]) -> type[CloudEvent[W]]:
    """The envelope's model for one kind of event. Pydantic forgets those that are not in use, and takes a while to
    make one."""
    return CloudEvent[kind]  # type: ignore[valid-type]  # chosen at run time


def wrap(
    event: W, *, source: str, time: datetime, id: str | None = None, cause: AnyEvent | None = None
) -> CloudEvent[W]:
    """The envelope of `event`. Without `id`, the derived one. What a request leads to has its id as the correlation,
    whatever its sender has made of that attribute."""
    return envelope(type(event))(
        id=id or event.event_id,
        source=source,
        type=event.type,
        subject=event.subject,
        time=time,
        causationid=cause.id if cause else None,
        correlationid=_correlation(cause) if cause else None,
        traceparent=cause.traceparent if cause else None,
        tracestate=cause.tracestate if cause else None,
        data=event,
    )


def _correlation(cause: AnyEvent) -> str:
    return conversation(cause) or cause.id


def conversation(event: AnyEvent) -> str | None:
    """The id of the request that an event goes back to: its own, if it is one."""
    return event.id if event.type in REQUESTS else event.correlationid


def encode(event: AnyEvent) -> bytes:
    """The wire form: structured-mode JSON, UTF-8, keys in model order. A request says only what is not the default, so
    that a field that nobody uses is no reason for an older reader to refuse it."""
    body = event.model_dump(mode="json", exclude={"data"}, exclude_none=True)
    body["data"] = event.data.model_dump(mode="json", exclude_defaults=event.type in REQUESTS)
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
        parsed: AnyEvent = envelope(kind).model_validate_json(body)
    except (ValidationError, ValueError, RecursionError) as error:
        raise MalformedEvent(f"{kind.type}: {explain(error)}") from error
    if kind.type in REQUESTS:
        check_fields(kind, document["data"])
    return parsed


def check_fields(kind: type[Event], data: Any) -> None:
    """Raises MalformedEvent for a field that requests of a kind do not have: whoever asks would take it for heeded."""
    if unknown := sorted(set(data) - set(kind.model_fields)):
        named, known = ", ".join(f"{name!r:.80}" for name in unknown[:5]), ", ".join(kind.model_fields)
        raise MalformedEvent(f"{kind.type}: there is no field {named}; there are {known}")


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
    problems = [
        f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors(include_input=False)
    ]
    return "; ".join(problems)[:1000]
