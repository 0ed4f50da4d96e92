"""What the object store keeps of a job. JSON; unknown fields survive being read and written again.

Times are UTC; sizes are bytes. A final record is written once and never changed.
"""

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import Damaged
from schemas.events import Scope, explain
from schemas.velero import LabelSelector

Status = Literal["Completed", "PartiallyFailed", "Failed", "Cancelled"]
VolumeKind = Literal["claim", "emptyDir"]


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: Literal[1] = 1


class AppRef(BaseModel):
    """One application in a snapshot."""

    model_config = ConfigDict(frozen=True, extra="allow")

    slug: str
    name: str = ""
    version: str = ""
    sequence: int = 0


class Request(Record):
    """Common to both kinds of request: `request` is the derived identity, `sender` the broker's user."""

    name: str
    request: str
    event_id: str
    sender: str = ""
    requested_at: datetime
    notes: list[str] = []


class BackupRequest(Request):
    """What was asked, and which applications it concerns."""

    app: str | None = None
    schedule: str | None = None
    apps: list[AppRef] = []


class RestoreRequest(Request):
    """What was asked of a restore."""

    backup: str
    scope: Scope
    app: str | None = None


class VolumePlan(BaseModel):
    """One volume of a pod. `directory` is its name below the kubelet's pod directory."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    kind: VolumeKind
    directory: str
    claim: str | None = None
    claim_uid: str | None = None

    def identity(self, namespace: str, pod: str) -> str:
        """What makes two copies copies of the same volume: the claim, else the pod's volume."""
        return f"claim/{self.claim_uid}" if self.claim_uid else f"pod/{namespace}/{pod}/{self.name}"


class UnitPlan(BaseModel):
    """One pod whose volumes are copied together; `unit` is `<namespace>/<pod>`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    unit: str
    namespace: str
    pod: str
    pod_uid: str
    node: str
    volumes: list[VolumePlan]


class BackupPlan(Record):
    """What a backup holds and will copy. `manifest` is the key of the captured objects, `selector` the application's
    own, of a partial backup."""

    manifest: str
    objects: int
    units: list[UnitPlan]
    selector: LabelSelector | None = None
    errors: list[str] = []
    warnings: list[str] = []


class VolumeRecord(BaseModel):
    """One copied volume: `volume` is its id in the repository."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: str
    pod: str
    name: str
    kind: VolumeKind
    claim: str | None = None
    volume: str
    scanned_bytes: int
    changed_bytes: int
    uploaded_bytes: int
    files: int


class UnitResult(Record):
    """How the copy of one pod's volumes ended."""

    unit: str
    volumes: list[VolumeRecord] = []
    errors: list[str] = []
    warnings: list[str] = []
    finished_at: datetime


class SliceState(Record):
    """How far a unit has come: `done` volumes are, and `checkpoint` (base64) is in the midst of the next."""

    slice: int = 0
    done: int = 0
    volumes: list[VolumeRecord] = []
    errors: list[str] = []
    warnings: list[str] = []
    checkpoint: str | None = None


class BackupRecord(Record):
    """A finished backup."""

    name: str
    request: str
    status: Status
    app: str | None = None
    schedule: str | None = None
    apps: list[AppRef] = []
    requested_at: datetime
    completed_at: datetime
    manifest: str | None = None
    selector: LabelSelector | None = None
    objects: int = 0
    volumes: list[VolumeRecord] = []
    errors: list[str] = []
    warnings: list[str] = []
    reason: str = ""


class Tombstone(Record):
    """A backup that was deleted; `volumes` were its own, and go with it."""

    volumes: list[str] = []


class LiveRef(BaseModel):
    """One live object that a restore replaces. What is in a phase should be gone before the next is deleted."""

    model_config = ConfigDict(frozen=True, extra="allow")

    group_resource: str
    namespace: str | None = None
    name: str
    uid: str
    phase: int = 0


class Undeploy(Record):
    """The live objects to delete, fixed once, so that a second run never deletes what was restored."""

    started_at: datetime
    objects: list[LiveRef]


class VolumeRestore(BaseModel):
    """One volume to write. `unit` is `<namespace>/<claim>` or `<namespace>/<pod>/<volume>`;
    claims that one pod mounted share a `helper`, so that they end on the same node."""

    model_config = ConfigDict(frozen=True, extra="allow")

    unit: str
    kind: VolumeKind
    namespace: str
    pod: str
    name: str
    claim: str | None = None
    helper: str
    volume: str
    bytes: int


class RestorePlan(Record):
    """What a restore creates and fills."""

    backup: str
    manifest: str
    objects: int
    volumes: list[VolumeRestore]
    warnings: list[str] = []


class Began(Record):
    """When something was first tried; its deadline counts from there."""

    at: datetime


class Applied(Record):
    """The outcome of a wave: objects created, and what went wrong."""

    created: int
    existing: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    finished_at: datetime


class RestoreUnitResult(Record):
    """How the writing of one volume ended."""

    unit: str
    bytes: int = 0
    files: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    finished_at: datetime


class RestoreSliceState(Record):
    """How far the writing of a volume has come."""

    slice: int = 0
    checkpoint: str | None = None


class RestoreRecord(Record):
    """A finished restore."""

    name: str
    request: str
    backup: str
    scope: Scope
    app: str | None = None
    status: Status
    requested_at: datetime
    completed_at: datetime
    objects: int = 0
    bytes: int = 0
    files: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    reason: str = ""


class Parent(Record):
    """The newest volume of an identity."""

    volume: str


class Running(Record):
    """The marker of an unfinished job; `redrives` counts how often the watchdog had to help."""

    redrives: int = 0


R = TypeVar("R", bound=BaseModel)


def decode(model: type[R], key: str, body: bytes) -> R:
    """The record in `body`, read from `key`. Raises Damaged."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Damaged(f"the record {key} cannot be read: {explain(error)}") from error


def encode(record: BaseModel) -> bytes:
    """The stored form."""
    return record.model_dump_json(exclude_none=True).encode()
