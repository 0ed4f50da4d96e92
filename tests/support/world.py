"""Steps run by hand, over the in-memory twins: what a step yields is heard by the steps that hear it, at once."""

import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local.license_authority import Authority, create_authority, sign_license
from schemas import application, topology
from schemas import events as e
from schemas.application import Application
from schemas.job import Job
from schemas.kubernetes import SECRETS, Object
from tests.support.sealed import repository_in, sealed
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs.locks import Locks
from workers.jobs.queueing import Queueing
from workers.jobs.slicing import Slicing
from workers.ports import ObjectStore, Repository, VolumeFiles
from workers.steps import (
    backup_finalize,
    license_gate,
    manifest_capture,
    volumes_copy,
)

CONSOLE = "snapline-console"
QUEUEING = Queueing(timedelta(hours=6), lambda: uuid.uuid4().hex)
HOLDING = manifest_capture.Holding("busybox", timedelta(minutes=5))
BACKUP = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {includedNamespaces: [shop]}\n"


class Nobody:
    """Nobody cancels anything."""

    def cancelled(self, job: Job) -> bool:
        return False


class NoFiles:
    """A node without volumes."""

    def directory(self, pod_uid: str, volume: str) -> Path:
        raise NotImplementedError


@dataclass
class World:
    """Twins, and a clock that is set by hand."""

    cluster: MemoryCluster = field(default_factory=MemoryCluster)
    objects: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    """What somebody sees of the store who has no passphrase."""
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    authority: Authority = field(default_factory=create_authority)
    told: list[e.Event] = field(default_factory=list)
    files: VolumeFiles = field(default_factory=NoFiles)
    watching: bool = True
    schedulers: frozenset[str] = frozenset({"somebody"})
    """Who may say which run of a schedule is due."""

    def __post_init__(self) -> None:
        self.repository: Repository = repository_in(self.objects)
        self.store: ObjectStore = sealed(self.objects, self.repository)
        self.destinations = MemoryDestinations({"default": (self.store, self.repository)})

    def clock(self) -> datetime:
        """The time."""
        return self.now

    def register(self, slug: str, license_text: str | None = "sign", backup: str | None = BACKUP) -> None:
        """Registers an application, by default with a good license and a Backup."""
        text = sign_license(self.authority, app_slug=slug) if license_text == "sign" else license_text
        app = Application(slug=slug, name=slug, namespaces=["shop"], license=text, backup=backup)
        self._namespace(CONSOLE)
        self.cluster.create(SECRETS, application.to_secret(app, CONSOLE))

    def _namespace(self, name: str) -> None:
        types = {type_.group_resource: type_ for type_ in self.cluster.discover().types}
        if name not in {found["metadata"]["name"] for found in self.cluster.list(types["namespaces"])}:
            self.cluster.create(
                types["namespaces"], {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )

    @property
    def gate(self) -> license_gate.GateNeeds:
        """For license.gate."""
        trusted, schedules = self.authority.trusted, self.schedulers.__contains__
        return license_gate.GateNeeds(self.destinations, self.cluster, CONSOLE, trusted, self.clock, schedules)

    def request(self, event: e.Event, id_: str = "r", source: str = "tests") -> list[e.Event]:
        """What the gate says to a request."""
        envelope = e.wrap(event, id=id_, source=source, time=self.now)
        if isinstance(event, e.BackupRequested):
            return list(license_gate.backup_requested(envelope, "somebody", self.gate))  # type: ignore[arg-type]
        return list(license_gate.restore_requested(envelope, "somebody", self.gate))  # type: ignore[arg-type]

    def backup(self, id_: str = "r", app: str | None = None) -> list[e.Event]:
        """A whole backup; all that was told."""
        waiting = deque(self.request(e.BackupRequested(app=app), id_))
        told: list[e.Event] = []
        while waiting:
            event = waiting.popleft()
            told.append(event)
            waiting.extend(self.hear(event))
        return told

    def hear(self, event: e.Event) -> Iterator[e.Event]:
        """What the backup's steps make of an event."""
        envelope: e.AnyEvent = e.wrap(event, source="tests", time=self.now)
        match event:
            case e.BackupLicensed():
                capture = manifest_capture.CaptureNeeds(
                    self.destinations, self.cluster, CONSOLE, QUEUEING, HOLDING, self.clock
                )
                yield from manifest_capture.capture(envelope, capture)  # type: ignore[arg-type]
            case e.VolumesCopyRequested():
                slicing = Slicing(timedelta(seconds=30), lambda: False, Nobody())
                copying = volumes_copy.CopyNeeds(
                    self.destinations, lambda: self.cluster, self.files, slicing, Locks(), self.clock, self.watching
                )
                yield from volumes_copy.copy(envelope, copying)  # type: ignore[arg-type]
            case e.BackupPlanned() | e.VolumesCopied() | e.VolumesCopyFailed():
                needs = backup_finalize.FinalizeBackupNeeds(self.destinations, self.clock)
                yield from backup_finalize.finalize(envelope, needs)  # type: ignore[arg-type]
            case _ if topology.is_heard(event) and not isinstance(event, (*e.FINAL, e.BackupSuspicious)):
                raise NotImplementedError(f"the line hears {event.type}, and `World.hear` does not")


def config_map(namespace: str, name: str, **labels: str) -> Object:
    """A small object."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {k.replace("__", "/"): v for k, v in labels.items()},
        },
        "data": {"key": "value"},
    }
