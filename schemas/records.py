"""What the object store keeps of a job. JSON; unknown fields survive being read and written again.

Times are UTC; sizes are bytes. A final record is written once and never changed.
"""

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import Damaged
from schemas.events import DEFAULT_DESTINATION, Scope, explain
from schemas.messages import Message
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
    """Common to both kinds of request: `request` is the derived identity, `sender` the broker's user, `destination`
    where the job's records are."""

    name: str
    request: str
    event_id: str
    sender: str = ""
    requested_at: datetime
    destination: str = DEFAULT_DESTINATION
    notes: list[Message] = []


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

    def key(self, namespace: str, pod: str) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(namespace, pod, self.name, self.claim)


class PodPlan(BaseModel):
    """One pod whose volumes are copied together."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: str
    name: str
    uid: str
    node: str
    volumes: list[VolumePlan]

    @property
    def key(self) -> str:
        """`<namespace>/<pod>`."""
        return f"{self.namespace}/{self.name}"


class BackupPlan(Record):
    """What a backup holds and will copy. `manifest` is the key of the captured objects, `selector` the application's
    own, of a partial backup."""

    manifest: str
    objects: int
    pods: list[PodPlan]
    selector: LabelSelector | None = None
    errors: list[Message] = []
    warnings: list[Message] = []


class VolumeRecord(BaseModel):
    """One copied volume: `volume_id` is its id in the repository."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: str
    pod: str
    name: str
    kind: VolumeKind
    claim: str | None = None
    volume_id: str
    scanned_bytes: int
    changed_bytes: int
    uploaded_bytes: int
    files: int

    @property
    def key(self) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(self.namespace, self.pod, self.name, self.claim)


class PodResult(Record):
    """How the copy of one pod's volumes ended. `pod` is `<namespace>/<pod>`."""

    pod: str
    volumes: list[VolumeRecord] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    finished_at: datetime


class CopyState(Record):
    """How far the copy of a pod's volumes has come: `done` of them are, and `checkpoint` (base64) is in the midst of
    the next. `slice` is the number of the next slice."""

    slice: int = 0
    done: int = 0
    volumes: list[VolumeRecord] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    checkpoint: str | None = None


class BackupRecord(Record):
    """A finished backup."""

    name: str
    destination: str = DEFAULT_DESTINATION
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
    errors: list[Message] = []
    warnings: list[Message] = []
    reason: Message | None = None


class Tombstone(Record):
    """A backup that was deleted; the volumes `volume_ids` were its own, and go with it."""

    volume_ids: list[str] = []


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
    """One volume to write; claims that one pod mounted share a `helper`, so that they end on the same node."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: VolumeKind
    namespace: str
    pod: str
    name: str
    claim: str | None = None
    helper: str
    volume_id: str
    bytes: int

    @property
    def key(self) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(self.namespace, self.pod, self.name, self.claim)


class RestorePlan(Record):
    """What a restore creates and fills."""

    backup: str
    manifest: str
    objects: int
    volumes: list[VolumeRestore]
    warnings: list[Message] = []


class Began(Record):
    """When something was first tried; its deadline counts from there."""

    at: datetime


class Applied(Record):
    """The outcome of a wave: objects created, and what went wrong."""

    created: int
    existing: int = 0
    errors: list[Message] = []
    warnings: list[Message] = []
    finished_at: datetime


class VolumeResult(Record):
    """How the writing of one volume ended. `volume` is its key in the plan."""

    volume: str
    bytes: int = 0
    files: int = 0
    errors: list[Message] = []
    warnings: list[Message] = []
    finished_at: datetime


class WriteState(Record):
    """How far the writing of a volume has come. `slice` is the number of the next slice."""

    slice: int = 0
    checkpoint: str | None = None


class RestoreRecord(Record):
    """A finished restore."""

    name: str
    destination: str = DEFAULT_DESTINATION
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
    errors: list[Message] = []
    warnings: list[Message] = []
    reason: Message | None = None


class Parent(Record):
    """The newest copy of a volume: what the next one is compared with."""

    volume_id: str


class Running(Record):
    """The marker of an unfinished job; `nudges` counts how often the watchdog had to help."""

    nudges: int = 0


R = TypeVar("R", bound=BaseModel)


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
