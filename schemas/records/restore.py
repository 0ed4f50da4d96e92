"""The records of a restore, from its request to its final record."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.events import DEFAULT_DESTINATION, SHARED, Scope
from schemas.messages import Message
from schemas.records.base import Record, Rejection, Request, Status, VolumeKind, volume_key
from schemas.records.hooks import HookResult

Why = Literal["replaced", "newer", "dependent"]
"""Why a restore deletes an object: it creates it again; it came after the backup; it hangs on such objects."""


class RestoreTest(BaseModel):
    """What was asked of a test restore: the event's fields (`BackupTestRestoreRequested`). All that it makes is in
    `namespace`, or in several whose names begin so."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: str
    check_command: list[str] = []
    check_in: str = ""
    probe: str = ""
    timeout_seconds: float = 0
    open_network: bool = False
    schedule: str | None = None


class RestoreRequest(Request):
    """What was asked of a restore. `keep_newer` leaves alone what came after the backup; a `safety_snapshot` is taken
    of what is deleted; namespaces are other ones by `namespace_mapping`. It is a `test`, or in earnest."""

    backup: str
    scope: Scope
    app: str | None = None
    keep_newer: bool = False
    safety_snapshot: bool = True
    namespace_mapping: dict[str, str] = {}
    test: RestoreTest | None = None


class RestoreRejection(Rejection):
    """A restore that was asked for and refused."""

    backup: str
    scope: Scope
    keep_newer: bool = False
    safety_snapshot: bool = True


class LiveRef(BaseModel):
    """One live object that a restore deletes. What is in a phase should be gone before the next is deleted."""

    model_config = ConfigDict(frozen=True, extra="allow")

    group_resource: str
    namespace: str | None = None
    name: str
    uid: str
    phase: int = 0
    why: Why = "replaced"
    owner: str = SHARED

    @property
    def title(self) -> str:
        """`deployments.apps shop/web`, for people."""
        return (
            f"{self.group_resource} {self.namespace}/{self.name}"
            if self.namespace
            else f"{self.group_resource} {self.name}"
        )


class Undeploy(Record):
    """The live objects to delete, fixed once, so that a second run never deletes what was restored; those `released`
    only lose the owners that are deleted, and stay. The volumes `kept` (by key) are left as they are; of
    the owners `refused` nothing is deleted, since they could not be restored. `was` is the key of what is deleted, as
    it was; `filled` are the claims among it that hold data, by `<namespace>/<name>`."""

    objects: list[LiveRef]
    was: str = ""
    filled: list[str] = []
    released: list[LiveRef] = []
    kept: list[str] = []
    refused: list[str] = []
    errors: list[Message] = []
    warnings: list[Message] = []


class Undeployed(Record):
    """That all which was to be deleted of an owner is gone."""

    finished_at: datetime


class OwnerEnded(Record):
    """How the restore of one owner's objects and volumes ended. `given_up`: before it had come to its end."""

    given_up: bool = False
    errors: list[Message] = []
    warnings: list[Message] = []
    finished_at: datetime


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
    owner: str = SHARED

    @property
    def key(self) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(self.namespace, self.pod, self.name, self.claim)


class RestorePlan(Record):
    """What a restore creates and fills, for which owners, and what it could tell beforehand that it cannot. Nothing is
    deleted before the backup `snapshot`, of what is deleted, has ended."""

    backup: str
    manifest: str
    objects: int
    volumes: list[VolumeRestore]
    owners: list[str] = [SHARED]
    snapshot: str | None = None
    errors: list[Message] = []
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


class Checked(Record):
    """That the check of a test restore has ended: what its command did, and why it has not passed."""

    at: datetime
    hooks: list[HookResult] = []
    problems: list[Message] = []


class RestoreRecord(Record):
    """A finished restore. `snapshot` is the backup that was taken of what it deleted. A `test` restore was ready, and
    its check had ended, at `ready_at`."""

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
    snapshot: str | None = None
    namespace_mapping: dict[str, str] = {}
    test: RestoreTest | None = None
    ready_at: datetime | None = None
    errors: list[Message] = []
    warnings: list[Message] = []
    reason: Message | None = None
