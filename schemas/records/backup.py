"""The records of a backup, from its request to its final record."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.events import DEFAULT_DESTINATION
from schemas.messages import Message
from schemas.records.base import AppRef, Record, Rejection, Request, Status, VolumeKind, volume_key
from schemas.records.hooks import HookResult
from schemas.velero import ALL, LabelSelector


class BackupRequest(Request):
    """What was asked, and which applications it concerns. `left_out` says why others, that a full backup ought to hold,
    are not among them. It is to be kept until `expires_at`, by `ttl` (a Go duration); None if nothing says how long.
    When it has ended it is copied to the destinations `copy_to`."""

    app: str | None = None
    schedule: str | None = None
    due: datetime | None = None
    apps: list[AppRef] = []
    left_out: list[Message] = []
    ttl: str | None = None
    expires_at: datetime | None = None
    copy_to: list[str] = []


class BackupRejection(Rejection):
    """A backup that was asked for and refused."""

    schedule: str | None = None


class VolumePlan(BaseModel):
    """One volume of a pod. `directory` is its name below the kubelet's pod directory; `watched` says whether somebody
    is warned of unusual changes in it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    kind: VolumeKind
    directory: str
    claim: str | None = None
    claim_uid: str | None = None
    watched: bool = True

    def identity(self, namespace: str, pod: str) -> str:
        """What makes two copies copies of the same volume: the claim, else the pod's volume."""
        return f"claim/{self.claim_uid}" if self.claim_uid else f"pod/{namespace}/{pod}/{self.name}"

    def key(self, namespace: str, pod: str) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(namespace, pod, self.name, self.claim)


class PodPlan(BaseModel):
    """One pod whose volumes are copied together, between its hooks if it has `hooks`; it may have them
    alone."""

    model_config = ConfigDict(frozen=True, extra="allow")

    namespace: str
    name: str
    uid: str
    node: str
    volumes: list[VolumePlan]
    hooks: bool = False

    @property
    def key(self) -> str:
        """`<namespace>/<pod>`."""
        return f"{self.namespace}/{self.name}"


class Coverage(BaseModel):
    """Where a backup has looked for an owner's objects, and of which kinds (Velero's names); `*` is all of either."""

    model_config = ConfigDict(frozen=True, extra="allow")

    owner: str
    namespaces: list[str]
    excluded_namespaces: list[str] = []
    kinds: list[str] = [ALL]

    def covers(self, namespace: str, kind: str) -> bool:
        """Whether an object of the owner's in that namespace would be in the backup."""
        if namespace in self.excluded_namespaces or ALL in self.excluded_namespaces:
            return False
        return self.covers_kind(kind) and (namespace in self.namespaces or ALL in self.namespaces)

    def covers_kind(self, kind: str) -> bool:
        """Whether the backup takes objects of the kind at all."""
        return kind in self.kinds or ALL in self.kinds


class BackupPlan(Record):
    """What a backup holds and will copy. `manifest` is the key of the captured objects, `hooks` that of the pods'
    hooks, `selector` the application's own, of a partial backup; `covers` is where it looked."""

    manifest: str
    objects: int
    pods: list[PodPlan]
    selector: LabelSelector | None = None
    covers: list[Coverage] = []
    hooks: str | None = None
    errors: list[Message] = []
    warnings: list[Message] = []


class Changes(BaseModel):
    """How a copy of a volume differs from its parent, which had `bytes_before` and `files_before` (None without a
    parent). A file of another name is deleted and added. `new_bytes` are those of content that the repository did not
    have, `new_stored_bytes` what they take, compressed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    bytes_before: int | None = None
    files_before: int | None = None
    files_added: int = 0
    files_changed: int = 0
    files_deleted: int = 0
    new_bytes: int = 0
    new_stored_bytes: int = 0


NO_CHANGES = Changes()


class Suspicion(BaseModel):
    """What is unusual about a copy, against those before it. `before` names the backups of these, newest first, that
    were not suspicious; `held` is the one of them that is held since, once the backup has ended."""

    model_config = ConfigDict(frozen=True, extra="allow")

    reasons: list[Message]
    before: list[str] = []
    held: str | None = None


class VolumeRecord(BaseModel):
    """One copied volume: `volume_id` is its id in the repository. Older records have no `changes`. In a backup that was
    copied from another destination it had the id `original` there, `changed_bytes` were read there, and
    `uploaded_bytes` written here. It was read on `node` from `began_at` to `ended_at`; older records do not say."""

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
    changes: Changes | None = None
    suspicion: Suspicion | None = None
    original: str | None = None
    node: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def key(self) -> str:
        """What people call it: see `volume_key`."""
        return volume_key(self.namespace, self.pod, self.name, self.claim)


class PodResult(Record):
    """How the copy of one pod's volumes ended. `pod` is `<namespace>/<pod>`."""

    pod: str
    volumes: list[VolumeRecord] = []
    hooks: list[HookResult] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    finished_at: datetime


class CopyState(Record):
    """How far the copy of a pod's volumes has come: `done` of them are copied, and `checkpoint` (base64) says how far
    the next one is, `mount` tells where its files are, and it was `began_at` then. `slice` is the number of the next
    slice; `given_up` says that no more is copied."""

    slice: int = 0
    done: int = 0
    given_up: bool = False
    volumes: list[VolumeRecord] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    checkpoint: str | None = None
    mount: str | None = None
    began_at: datetime | None = None


class BackupRecord(Record):
    """A finished backup. It expires at `expires_at`, if it is not held and may go. One that is a copy was made from the
    destination `copied_from`, at `copied_at`."""

    name: str
    destination: str = DEFAULT_DESTINATION
    request: str
    status: Status
    app: str | None = None
    schedule: str | None = None
    apps: list[AppRef] = []
    requested_at: datetime
    completed_at: datetime
    expires_at: datetime | None = None
    manifest: str | None = None
    selector: LabelSelector | None = None
    covers: list[Coverage] = []
    objects: int = 0
    volumes: list[VolumeRecord] = []
    hooks: list[HookResult] = []
    errors: list[Message] = []
    warnings: list[Message] = []
    reason: Message | None = None
    copied_from: str | None = None
    copied_at: datetime | None = None


class Tombstone(Record):
    """A backup that was deleted; the volumes `volume_ids` were its own, and go with it. `reclaimed_bytes` when that has
    ended, and `young_bytes` and `locked_bytes` more, which may go from `young_until` and `locked_until` on."""

    volume_ids: list[str] = []
    reclaimed_bytes: int | None = None
    young_bytes: int = 0
    young_until: datetime | None = None
    locked_bytes: int = 0
    locked_until: datetime | None = None


class Hold(Record):
    """That a backup is held: why, and `by` whom."""

    reason: str = ""
    by: str = ""
    since: datetime


class PastCopy(BaseModel):
    """What the copy of a volume for one `backup` has found, which ended at `at`; and what was suspicious about it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    backup: str
    at: datetime
    scanned_bytes: int
    changed_bytes: int
    changes: Changes
    reasons: list[Message] = []


class Parent(Record):
    """The newest copy of a volume: what the next one is compared with; and the `history` of its copies, oldest
    first. Of one that was received from another destination, it was `original` there."""

    volume_id: str
    original: str | None = None
    history: list[PastCopy] = []
