"""The plan of a restore that is not asked for yet: the same code decides it that will decide the restore."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from producers.session import Session
from producers.views.catalog import open_catalog
from producers.views.job_views import BackupView, RestoreView
from producers.views.restore_plan import expected
from producers.views.restore_plan.asked import Asked, request_of
from producers.views.restore_plan.differences import Line, difference
from producers.views.restore_plan.expected import Expected
from schemas.errors import Code, SnaplineError
from schemas.events import SHARED, Scope
from schemas.messages import Message
from schemas.records import AppRef, BackupRecord, RestoreRequest, VolumeRecord
from workers.jobs import restorable
from workers.planning.effects import Effect, Fate
from workers.planning.foresee import Foreseen, Hindrance, foresee

MOST_DIFFERENCES, MOST_LINES = 50, 1500
"""Objects whose difference is worked out, and lines of all of these."""
Cause = Literal["port", "class", "volume", "kind"]
"""What is in the way: a node port or a volume that another has, a storage class or a kind that is not there."""
CAUSES: dict[str, Cause] = {"Service": "port", "PersistentVolumeClaim": "class", "PersistentVolume": "volume"}


@dataclass(frozen=True)
class ObjectView:
    """What becomes of one object; see `Effect`. `why` says it where it is not plain. If it `differs` from what is
    live, `lines` say how, unless there are too many such objects."""

    effect: Effect
    kind: str
    namespace: str
    name: str
    owner: str
    why: str = ""
    differs: bool = False
    lines: tuple[Line, ...] = ()

    @property
    def title(self) -> str:
        """`Deployment shop/web`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class VolumeEffect:
    """What becomes of one volume. `bytes` and `files` are what the backup has; `capacity` is that of the live claim as
    Kubernetes says it, empty without one; `takes` is how long it may take to write, None where nobody knows."""

    key: str
    effect: Literal["replaced", "created", "left"]
    owner: str
    bytes: int
    files: int
    capacity: str = ""
    takes: timedelta | None = None
    why: str = ""


@dataclass(frozen=True)
class ConflictView:
    """What is in the way of one object. Where its owner is `refused`, nothing of that owner is restored or deleted."""

    owner: str
    object: str
    why: str
    cause: Cause
    refused: bool


@dataclass(frozen=True)
class RestorePlanView:
    """What a restore would do, as the cluster is at `made_at`.

    `scope` and `app` are what was asked for, as far as the backup has it; `apps` are the applications that come back.
    `impossible` says why nothing would happen at all. `lacking` is what the backup itself lacks, `nothing` are
    applications of which it holds nothing, `notes` what else is told. `expected` and `securing` are how long the
    restore and its safety snapshot may take. A backup of one application is `partial`. `mark` is the same for plans
    that do the same."""

    asked: Asked
    scope: Scope
    app: str | None
    made_at: datetime
    backup_at: datetime
    backup_status: str
    partial: bool
    apps: tuple[AppRef, ...]
    objects: tuple[ObjectView, ...]
    volumes: tuple[VolumeEffect, ...]
    conflicts: tuple[ConflictView, ...]
    nothing: tuple[Message, ...]
    lacking: tuple[Message, ...]
    notes: tuple[Message, ...]
    secured: int
    secured_volumes: int
    expected: Expected | None = None
    securing: timedelta | None = None
    impossible: Message | None = None
    mark: str = ""

    def of(self, *effects: Effect) -> list[ObjectView]:
        """The objects with one of these effects."""
        return [each for each in self.objects if each.effect in effects]

    def volumes_of(self, effect: str) -> list[VolumeEffect]:
        """The volumes with this effect."""
        return [each for each in self.volumes if each.effect == effect]

    @property
    def differing(self) -> list[ObjectView]:
        """Those that are replaced by something else than what is there."""
        return [each for each in self.objects if each.effect == "replaced" and each.differs]

    @property
    def bytes(self) -> int:
        """Of the volumes that are filled."""
        return sum(each.bytes for each in self.volumes if each.effect != "left")


def kinds(objects: Iterable[ObjectView]) -> list[tuple[str, int]]:
    """How many there are of each kind, the most first."""
    return Counter(each.kind for each in objects).most_common()


def restore_plan(session: Session, asked: Asked, now: datetime) -> RestorePlanView:
    """Reads the backup and looks at the cluster; changes nothing. Raises Invalid for what the gate would reject,
    Denied, Damaged, and TransientError while store or cluster are away."""
    store = session.store(asked.destination)
    backup = restorable.usable(store, asked.backup)
    request = request_of(asked, backup, now)
    found = foresee(
        request,
        backup,
        store,
        session.repository(asked.destination),
        session.cluster,
        session.settings.console_namespace,
    )
    restores, backups = _history(session, asked.destination)
    return _view(asked, request, backup, found, restores, backups, now)


def _history(session: Session, destination: str) -> tuple[Sequence[RestoreView], Sequence[BackupView]]:
    """What was measured before; a plan goes without where it cannot be read."""
    try:
        catalog = open_catalog(session, destination)
        return catalog.restores(), catalog.backups()
    except SnaplineError:
        return [], []


def _view(
    asked: Asked,
    request: RestoreRequest,
    backup: BackupRecord,
    found: Foreseen,
    restores: Sequence[RestoreView],
    backups: Sequence[BackupView],
    now: datetime,
) -> RestorePlanView:
    pace = expected.rate(restores)
    volumes = tuple(_volumes(found, backup, request, pace))
    size = sum(each.bytes for each in volumes if each.effect != "left")
    conflicts = tuple(map(_conflict, found.hindrances))
    secures = asked.safety_snapshot and bool(found.undeploy.objects)
    view = RestorePlanView(
        asked=asked,
        scope=request.scope,
        app=request.app,
        made_at=now,
        backup_at=backup.requested_at,
        backup_status=backup.status,
        partial=backup.app is not None,
        apps=tuple(ref for ref in backup.apps if request.app in (None, ref.slug) and request.scope != "console"),
        objects=tuple(_objects(found.fates)),
        volumes=volumes,
        conflicts=conflicts,
        nothing=tuple(found.nothing),
        lacking=tuple(backup.errors),
        notes=tuple(_notes(found)),
        secured=len(found.undeploy.objects) if secures else 0,
        secured_volumes=len(found.undeploy.filled) + len(_inside_pods(found)) if secures else 0,
        expected=expected.restoring(restores, backups, request.scope, request.app, size),
        securing=expected.securing(backups, request.app) if secures else None,
        impossible=_impossible(found),
    )
    return _marked(view)


def _objects(fates: Sequence[Fate]) -> Iterable[ObjectView]:
    worked_out = said = 0
    for fate in sorted(fates, key=lambda each: (each.kind, each.namespace, each.name)):
        differs, lines = fate.differs, tuple[Line, ...]()
        if differs and worked_out < MOST_DIFFERENCES and said < MOST_LINES:
            lines = difference(*fate.said())
            worked_out, said = worked_out + 1, said + len(lines)
        yield ObjectView(fate.effect, fate.kind, fate.namespace, fate.name, fate.owner, fate.why, differs, lines)


def _volumes(
    found: Foreseen, backup: BackupRecord, request: RestoreRequest, pace: float | None
) -> Iterable[VolumeEffect]:
    records = {volume.volume_id: volume for volume in backup.volumes}
    claims = {f"{fate.namespace}/{fate.name}": fate for fate in found.fates if fate.kind == "PersistentVolumeClaim"}
    inside = _inside_pods(found)
    for volume in found.plan.volumes:
        fate = claims.get(f"{volume.namespace}/{volume.claim}") if volume.claim else None
        live = fate.live if fate else None
        yield VolumeEffect(
            key=volume.key,
            effect="replaced" if live or volume.key in inside else "created",
            owner=volume.owner,
            bytes=volume.bytes,
            files=_files(records.get(volume.volume_id)),
            capacity=_capacity(live),
            takes=timedelta(seconds=volume.bytes / pace) if pace else None,
        )
    for message in (*found.undeploy.errors, *found.undeploy.warnings):
        if message.subject in found.undeploy.kept:
            yield _kept(message, backup, request)


def _inside_pods(found: Foreseen) -> set[str]:
    """The keys of the plan's volumes that are inside pods which are there now, and that go with them."""
    pods = {f"{fate.namespace}/{fate.name}" for fate in found.fates if fate.kind == "Pod" and fate.live}
    return {volume.key for volume in found.plan.volumes if volume.key.rpartition("/")[0] in pods}


def _kept(message: Message, backup: BackupRecord, request: RestoreRequest) -> VolumeEffect:
    mapping = request.namespace_mapping
    record = next(
        (
            each
            for each in backup.volumes
            if f"{mapping.get(each.namespace, each.namespace)}/{each.claim}" == message.subject
        ),
        None,
    )
    size = record.scanned_bytes if record else 0
    return VolumeEffect(message.subject, "left", SHARED, size, _files(record), why=message.text)


def _files(record: VolumeRecord | None) -> int:
    return record.files if record else 0


def _capacity(claim: dict[str, object] | None) -> str:
    status = claim.get("status") if claim else None
    capacity = status.get("capacity") if isinstance(status, dict) else None
    return str(capacity.get("storage") or "") if isinstance(capacity, dict) else ""


def _conflict(found: Hindrance) -> ConflictView:
    cause = CAUSES.get(found.object.partition(" ")[0], "kind")
    return ConflictView(found.owner, found.object, found.why, cause, found.refused)


def _notes(found: Foreseen) -> Iterable[Message]:
    """Without what stands elsewhere: conflicts, volumes that are kept, and what is newer."""
    yield from found.notes
    for message in (*found.undeploy.errors, *found.undeploy.warnings):
        if message.code not in (Code.CONFLICT, Code.NEWER) and message.subject not in found.undeploy.kept:
            yield message


def _impossible(found: Foreseen) -> Message | None:
    if found.undeploy.refused and not set(found.plan.owners) - {SHARED}:
        return next((message for message in found.undeploy.errors if message.code == Code.CONFLICT), None)
    return None


def _marked(view: RestorePlanView) -> RestorePlanView:
    """With the mark of what it does: without what controllers make and end all the time."""
    said = (
        (view.asked.backup, view.scope, view.app, view.asked.keep_newer, view.asked.safety_snapshot),
        sorted(view.asked.namespace_mapping.items()),
        sorted((each.effect, each.title, each.owner, each.differs) for each in view.objects if each.effect != "remade"),
        sorted((each.key, each.effect, each.bytes) for each in view.volumes),
        sorted((each.owner, each.object, each.why, each.refused) for each in view.conflicts),
    )
    mark = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
    return replace(view, mark=mark)
