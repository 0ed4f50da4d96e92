"""The events: facts in the past tense, or `.requested`; the version is in the type (EVENTS.md).

An event is a small frozen model; on the wire it is the `data` of a CloudEvents 1.0 envelope in
structured JSON. Readers ignore unknown fields, writers are strict. A field may be added; a changed
meaning is a new type with the next version.

An event's id is derived from what it says (`identity`), never drawn, so telling it twice tells it once.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import MalformedEvent

MAX_BODY = 256 * 1024
"""Longest accepted message body, in bytes. Events carry references; data lives in the object store."""

Name = Annotated[str, Field(min_length=1, max_length=253)]
Count = Annotated[int, Field(ge=0)]
Reason = Annotated[str, Field(max_length=16_384)]
Scope = Literal["full", "applications", "console"]


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


class BackupEvent(Event):
    """An event about one backup."""

    identity: ClassVar[tuple[str, ...]] = ("backup",)
    subject_field: ClassVar[str] = "backup"

    backup: Name


class RestoreEvent(Event):
    """An event about one restore."""

    identity: ClassVar[tuple[str, ...]] = ("restore",)
    subject_field: ClassVar[str] = "restore"

    restore: Name


# --- requests: what anybody may publish


class BackupRequested(Event):
    """Take a snapshot: of one application (`app`), or of the console and all applications."""

    type: ClassVar[str] = "backup.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()

    app: Name | None = None
    schedule: Name | None = None


class RestoreRequested(Event):
    """Restore from `backup`: everything, the applications (or one of them), or the console."""

    type: ClassVar[str] = "restore.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()

    backup: Name
    scope: Scope = "full"
    app: Name | None = None


# --- backup


class BackupLicensed(BackupEvent):
    """The licenses allow it; the job has its name and its request record."""

    type: ClassVar[str] = "backup.licensed.v1"

    app: Name | None = None


class BackupRejected(Event):
    """The request `request` was refused; no job was made."""

    type: ClassVar[str] = "backup.rejected.v1"
    identity: ClassVar[tuple[str, ...]] = ("request",)
    subject_field: ClassVar[str] = "request"

    request: str
    app: Name | None = None
    reasons: list[Reason]


class BackupPlanned(BackupEvent):
    """The objects are captured and the plan is written: `units` pods have volumes to copy."""

    type: ClassVar[str] = "backup.planned.v1"

    objects: Count
    units: Count


class VolumesCopyRequested(BackupEvent):
    """Copy the volumes of one pod (`unit` is `<namespace>/<pod>`); `slice` counts its slices."""

    type: ClassVar[str] = "volumes.copy.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "unit", "slice")

    node: Name
    unit: str
    slice: Count = 0


class VolumesProgressed(Event):
    """How far the copy or restore of one volume has come, in bytes and files."""

    type: ClassVar[str] = "volumes.progressed.v1"
    identity: ClassVar[tuple[str, ...]] = ("job", "unit", "volume", "bytes_done", "bytes_total", "files_done")
    subject_field: ClassVar[str] = "job"

    job: Name
    unit: str
    volume: str
    bytes_done: Count
    bytes_total: Count
    files_done: Count


class VolumesCopied(BackupEvent):
    """All volumes of one pod are in the repository."""

    type: ClassVar[str] = "volumes.copied.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "unit")

    unit: str
    scanned_bytes: Count
    changed_bytes: Count
    uploaded_bytes: Count
    files: Count


class VolumesCopyFailed(BackupEvent):
    """Some volume of one pod could not be copied."""

    type: ClassVar[str] = "volumes.copy_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "unit")

    unit: str
    reason: Reason


class BackupFinal(BackupEvent):
    """Base of the events that end a backup."""

    app: Name | None = None
    errors: Count = 0
    warnings: Count = 0
    reason: Reason = ""


class BackupCompleted(BackupFinal):
    """Everything selected is in the snapshot."""

    type: ClassVar[str] = "backup.completed.v1"


class BackupPartiallyFailed(BackupFinal):
    """The snapshot exists; something selected is missing from it."""

    type: ClassVar[str] = "backup.partially_failed.v1"


class BackupFailed(BackupFinal):
    """There is no usable snapshot."""

    type: ClassVar[str] = "backup.failed.v1"


class BackupCancelled(BackupFinal):
    """Somebody cancelled it."""

    type: ClassVar[str] = "backup.cancelled.v1"


# --- restore


class RestoreLicensed(RestoreEvent):
    """The restore may go on; `notes` tells what its licenses would no longer allow to back up."""

    type: ClassVar[str] = "restore.licensed.v1"

    backup: Name
    notes: list[Reason] = []


class RestoreRejected(Event):
    """The request `request` was refused; nothing was touched."""

    type: ClassVar[str] = "restore.rejected.v1"
    identity: ClassVar[tuple[str, ...]] = ("request",)
    subject_field: ClassVar[str] = "request"

    request: str
    backup: Name
    reasons: list[Reason]


class RestorePrepared(RestoreEvent):
    """What will be replaced is gone; the plan is written."""

    type: ClassVar[str] = "restore.prepared.v1"

    objects: Count
    units: Count


class VolumesRestoreRequested(RestoreEvent):
    """Write one volume (`unit`) through the pod `pod_uid` that mounts it on `node`."""

    type: ClassVar[str] = "volumes.restore.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "unit", "pod_uid", "slice")

    node: Name
    unit: str
    pod_uid: Name
    directory: Name
    slice: Count = 0


class VolumesRestored(RestoreEvent):
    """One volume has its content back."""

    type: ClassVar[str] = "volumes.restored.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "unit")

    unit: str
    bytes: Count
    files: Count


class VolumesRestoreFailed(RestoreEvent):
    """One volume could not be written."""

    type: ClassVar[str] = "volumes.restore_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "unit")

    unit: str
    reason: Reason


class RestoreApplied(RestoreEvent):
    """Every object and volume of the plan is accounted for."""

    type: ClassVar[str] = "restore.applied.v1"


class RestoreFinal(RestoreEvent):
    """Base of the events that end a restore."""

    backup: Name
    errors: Count = 0
    warnings: Count = 0
    reason: Reason = ""


class RestoreCompleted(RestoreFinal):
    """Everything is back."""

    type: ClassVar[str] = "restore.completed.v1"


class RestorePartiallyFailed(RestoreFinal):
    """Something is not back; the record says what."""

    type: ClassVar[str] = "restore.partially_failed.v1"


class RestoreFailed(RestoreFinal):
    """The restore gave up; the reason says where."""

    type: ClassVar[str] = "restore.failed.v1"


class RestoreCancelled(RestoreFinal):
    """Somebody cancelled it."""

    type: ClassVar[str] = "restore.cancelled.v1"


# --- notify and maintain


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
    reason: Reason


class BackupDeleteRequested(BackupEvent):
    """Delete the backup and what only it refers to."""

    type: ClassVar[str] = "backup.delete.requested.v1"


class BackupDeleted(BackupEvent):
    """The backup is gone; `reclaimed_bytes` came back at once."""

    type: ClassVar[str] = "backup.deleted.v1"

    reclaimed_bytes: Count = 0


class BackupDeleteFailed(BackupEvent):
    """The backup could not be deleted."""

    type: ClassVar[str] = "backup.delete_failed.v1"

    reason: Reason


class RepositoryPruneRequested(Event):
    """Reclaim what no backup refers to."""

    type: ClassVar[str] = "repository.prune.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ()


class RepositoryPruned(Event):
    """A prune has ended."""

    type: ClassVar[str] = "repository.pruned.v1"
    identity: ClassVar[tuple[str, ...]] = ("request",)

    request: str
    reclaimed_bytes: Count


class BackupVerifyRequested(BackupEvent):
    """Read the backup back and check every byte."""

    type: ClassVar[str] = "backup.verify.requested.v1"


class BackupVerified(BackupEvent):
    """The backup was read back; `problems` is empty if all is well."""

    type: ClassVar[str] = "backup.verified.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "request")

    request: str
    problems: list[Reason]


class TickMinute(Event):
    """The scheduler's clock: a minute has begun (`minute` is RFC 3339, UTC)."""

    type: ClassVar[str] = "tick.minute.v1"
    identity: ClassVar[tuple[str, ...]] = ("minute",)

    minute: str


class BackupStalled(BackupEvent):
    """The watchdog found no progress and told the missing step again, for the `redrive`th time."""

    type: ClassVar[str] = "backup.stalled.v1"
    identity: ClassVar[tuple[str, ...]] = ("backup", "redrive")

    redrive: Count


class RestoreStalled(RestoreEvent):
    """As `backup.stalled`, of a restore."""

    type: ClassVar[str] = "restore.stalled.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "redrive")

    redrive: Count


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
        BackupRequested,
        RestoreRequested,
        BackupDeleteRequested,
        BackupVerifyRequested,
        RepositoryPruneRequested,
    )
)
"""What other systems may publish; everything else is accepted from inside only."""

FINAL_BACKUP = (BackupCompleted, BackupPartiallyFailed, BackupFailed, BackupCancelled)
FINAL_RESTORE = (RestoreCompleted, RestorePartiallyFailed, RestoreFailed, RestoreCancelled)
FINAL: tuple[type[Event], ...] = (*FINAL_BACKUP, *FINAL_RESTORE, BackupRejected, RestoreRejected)
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
    """The envelope of `event`. Without `id`, the derived one."""
    return CloudEvent[W](
        id=id or event.event_id,
        source=source,
        type=event.type,
        subject=event.subject,
        time=time,
        causationid=cause.id if cause else None,
        correlationid=(cause.correlationid or cause.id) if cause else None,
        data=event,
    )


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
