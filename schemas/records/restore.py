"""The records of a restore, from its request to its final record."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.events import DEFAULT_DESTINATION, Scope
from schemas.messages import Message
from schemas.records.base import Record, Request, Status, VolumeKind, volume_key
from schemas.records.hooks import HookResult


class RestoreRequest(Request):
    """What was asked of a restore."""

    backup: str
    scope: Scope
    app: str | None = None


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
    """One volume to write; claims that one pod mounted share a `helper`, so that they end up on the same node."""

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
    hooks: list[HookResult] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    reason: Message | None = None
