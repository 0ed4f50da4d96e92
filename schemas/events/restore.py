"""The events of a restore, from the request to its end."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schemas.events.base import (
    THE_DEFAULT,
    Chosen,
    Count,
    Event,
    Name,
    NameOrNewest,
    RestoreEvent,
    Scope,
    printable,
)
from schemas.events.due import Due
from schemas.messages import Message

Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
SHARED = "_"
"""Stands for the owner of what belongs to several applications, or to nobody. No slug is called so."""


class OwnerEvent(RestoreEvent):
    """Base of what is said of one owner's objects and volumes: each application's (the slug), the console's
    (`console`), and those that are shared (`_`) are restored by themselves."""

    identity: ClassVar[tuple[str, ...]] = ("restore", "owner")

    owner: Name = SHARED


class RestoreAsked(Event):
    """Base of the requests that make a restore."""

    identity: ClassVar[tuple[str, ...]] = ()

    backup: NameOrNewest
    scope: Scope = "full"
    app: Name | None = None
    destination: Chosen = THE_DEFAULT


class RestoreRequested(RestoreAsked):
    """Restore from `backup`: everything, the applications (or one of them), or the console. What belongs to them and
    came after the backup is deleted, unless `keep_newer` is set. What is about to be deleted is backed up first, unless
    `safety_snapshot` is not wanted. What was in a namespace that `namespace_mapping` names is restored into the one
    that it names for it, and what is in the former is left alone."""

    type: ClassVar[str] = "restore.requested.v1"

    backup: Name
    keep_newer: bool = False
    safety_snapshot: bool = True
    namespace_mapping: dict[Namespace, Namespace] = {}


class BackupTestRestoreRequested(RestoreAsked):
    """Restore the applications (or `app`) from `backup` on trial, into a namespace that is made for it and removed in
    the end: `namespace`, or one with a name of its own; where they have several, one for each that begins so. Without a
    name it is the newest good backup of `app`, or the newest full one. When all is ready, `check_command` is run in a
    pod (`check_in`: that of this name, or of a controller of this name; else the first), and the HTTP `probe`, a
    `SERVICE:PORT/PATH`, has to answer. Being ready may take `timeout_seconds`, 0 for the setting. The pods reach
    nothing outside of the namespace but the cluster's DNS, unless `open_network` is set."""

    type: ClassVar[str] = "backup.test_restore.requested.v1"

    backup: NameOrNewest = ""
    scope: Scope = "applications"
    namespace: Namespace | None = None
    check_command: list[str] = []
    check_in: NameOrNewest = ""
    probe: Annotated[str, Field(max_length=1024), AfterValidator(printable)] = ""
    timeout_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    open_network: bool = False
    schedule: Name | None = None
    due: Due | None = None


class RestoreLicensed(RestoreEvent):
    """The restore may go on; `notes` tells what its licenses would no longer allow to back up."""

    type: ClassVar[str] = "restore.licensed.v1"

    backup: Name
    notes: list[Message] = []


class RestoreQueued(RestoreEvent):
    """It waits in line until the job `behind` (kind and name) has ended."""

    type: ClassVar[str] = "restore.queued.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "behind")

    behind: str


class RestoreRejected(Event):
    """The request `request` was refused; nothing was touched. `identified` as in `backup.rejected`."""

    type: ClassVar[str] = "restore.rejected.v1"
    identity: ClassVar[tuple[str, ...]] = ("identified",)
    subject_field: ClassVar[str] = "request"

    request: str
    identified: str = ""
    backup: NameOrNewest
    reasons: list[Message]


class RestorePlanned(RestoreEvent):
    """What will be done is decided, and nothing touched yet: `replaced` live objects will be deleted, `objects` created
    and `volumes` filled. Of what is deleted, `newer` (the first by name) came after the backup, and will not come back;
    of what is in the backup, `left_alone` will stay as it is. `snapshot` is the backup that is taken of it first."""

    type: ClassVar[str] = "restore.planned.v1"

    replaced: Count
    objects: Count
    volumes: Count
    newer: list[str] = []
    left_alone: list[Message] = []
    snapshot: Name | None = None


class RestoreUndeployRequested(OwnerEvent):
    """Delete what will be replaced of an owner."""

    type: ClassVar[str] = "restore.undeploy.requested.v1"


class RestorePrepared(OwnerEvent):
    """What will be replaced of an owner is gone."""

    type: ClassVar[str] = "restore.prepared.v1"


class VolumesMountRequested(RestoreEvent):
    """Get those volumes of `pod` (`<namespace>/<pod>`) that are of a kind mounted on a node, and ask for their
    content."""

    type: ClassVar[str] = "volumes.mount.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "pod", "kind")

    pod: str
    kind: Literal["claim", "emptyDir"]


class VolumesRestoreRequested(RestoreEvent):
    """Write one volume (`<namespace>/<claim>` or `<namespace>/<pod>/<volume>`) through the pod `pod_uid` that mounts it
    on `node` as `directory`."""

    type: ClassVar[str] = "volumes.restore.requested.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "volume", "pod_uid", "slice")

    node: Name
    volume: str
    pod_uid: Name
    directory: Name
    slice: Count = 0


class VolumesRestored(RestoreEvent):
    """One volume has its content back."""

    type: ClassVar[str] = "volumes.restored.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "volume")

    volume: str
    bytes: Count
    files: Count


class VolumesRestoreFailed(RestoreEvent):
    """One volume could not be written."""

    type: ClassVar[str] = "volumes.restore_failed.v1"
    identity: ClassVar[tuple[str, ...]] = ("restore", "volume")

    volume: str
    reason: Message


class RestoreApplied(OwnerEvent):
    """Every object and volume of an owner is accounted for."""

    type: ClassVar[str] = "restore.applied.v1"


class RestoreFinal(RestoreEvent):
    """Base of the events that end a restore, in earnest or as a `test`."""

    backup: Name
    test: bool = False
    errors: Count = 0
    warnings: Count = 0
    reason: Message | None = None


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
