"""Restores of a backup that is captured from given objects, by hand, over the in-memory twins."""

import copy
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from schemas import events as e
from schemas import keys
from schemas.application import Application
from schemas.job import Job
from schemas.kubernetes import PODS, Object, ResourceType
from schemas.records import (
    AppRef,
    BackupRecord,
    Record,
    RestorePlan,
    RestoreRecord,
    RestoreRequest,
    Undeploy,
    VolumeRecord,
    VolumeResult,
)
from tests.support.sealed import repository_in, sealed
from tests.support.world import QUEUEING
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import endings, ledger
from workers.manifests.capture.document import encode_manifest
from workers.manifests.capture.scope import scope_of, spec_for
from workers.manifests.capture.select import capture
from workers.manifests.kube.objects import claims_of
from workers.manifests.kube.own import RESTORE_LABEL
from workers.steps import (
    restore_apply,
    restore_clear,
    restore_finalize,
    restore_prepare,
    restore_undeploy,
    volumes_mount,
)

CONSOLE = "console"
"""The console's namespace, and by default the applications'."""
RESTORE = Job("restore", "r")
BACKUP_AT = datetime(2026, 11, 24, tzinfo=UTC)
BEFORE, AFTER = BACKUP_AT - timedelta(days=1), BACKUP_AT + timedelta(days=1)
UNDEPLOY_PATIENCE = timedelta(minutes=10)
PATIENCE = timedelta(minutes=5)
"""How long pods may take to start."""


def app(slug: str, spec: str = "{}", namespaces: Iterable[str] = ()) -> Application:
    """A registered application; without namespaces it lives with the console."""
    backup = f"apiVersion: velero.io/v1\nkind: Backup\nmetadata: {{name: b}}\nspec: {spec}\n"
    return Application(slug=slug, name=slug, namespaces=list(namespaces), backup=backup)


def label(slug: str) -> dict[str, str]:
    """The label of an application's objects."""
    return {"kots.io/app-slug": slug}


@dataclass
class Restoring:
    """A backup of `captured`, and a cluster that holds `live` (by default the same) on which nothing runs by itself."""

    captured: list[Object]
    apps: list[Application]
    live: list[Object] | None = None
    claims: list[tuple[str, str]] = field(default_factory=list)
    """Those whose content the backup holds, by namespace and name."""
    of: str | None = None
    """The application, of a partial backup."""
    now: datetime = AFTER
    changed: Callable[[ResourceType, Object], None] = lambda _type, _obj: None
    ran: list[str] = field(default_factory=list)
    """The pods in which commands were run."""
    answer: Ended = field(default_factory=Ended)
    """What commands do."""
    job: Job = RESTORE

    def __post_init__(self) -> None:
        self.objects = MemoryObjectStore(self.clock)
        """What somebody sees of the store who has no passphrase."""
        self.repository = repository_in(self.objects)
        self.store = sealed(self.objects, self.repository)
        self.destinations = MemoryDestinations({"default": (self.store, self.repository)})
        self._back_up()
        live = self.captured if self.live is None else self.live
        self.cluster = MemoryCluster(live, clock=self.clock, changed=self.changed, run=self._run)

    def request(self, **asked: Any) -> None:
        """What the gate would have written."""
        given = {"name": self.job.name, "request": "q", "event_id": "q", "requested_at": self.now, "backup": "b"}
        given["safety_snapshot"] = False
        ledger.begin(self.store, self.job)
        ledger.create(self.store, keys.request(self.job), RestoreRequest(**{**given, "scope": "full", **asked}))

    def again(self, name: str, **asked: Any) -> Self:
        """Another restore, of the same cluster and store, that is asked for."""
        other = copy.copy(self)
        other.job = Job("restore", name)
        other.request(**asked)
        return other

    def prepare(self) -> list[e.Event]:
        """What restore.prepare says to `restore.licensed`: nothing is deleted yet."""
        needs = restore_prepare.PrepareNeeds(self.destinations, self.cluster, CONSOLE, QUEUEING, self.clock)
        return list(restore_prepare.prepare(self.event(e.RestoreLicensed(restore=self.job.name, backup="b")), needs))

    def undeploy(self, *owners: str) -> list[e.Event]:
        """What it says to `restore.undeploy.requested`, by default of all owners."""
        needs = restore_undeploy.UndeployNeeds(self.destinations, self.cluster, UNDEPLOY_PATIENCE, self.clock)
        said: list[e.Event] = []
        for owner in owners or self.plan.owners:
            asked = self.event(e.RestoreUndeployRequested(restore=self.job.name, owner=owner))
            said.extend(restore_undeploy.undeploy(asked, needs))
        return said

    def apply(self, *owners: str) -> list[e.Event]:
        """What restore.apply says to `restore.prepared`, by default of all owners."""
        needs = restore_apply.ApplyNeeds(self.destinations, self.cluster, "busybox", PATIENCE, PATIENCE, self.clock)
        said: list[e.Event] = []
        for owner in owners or self.plan.owners:
            prepared = self.event(e.RestorePrepared(restore=self.job.name, owner=owner))
            said.extend(restore_apply.apply(prepared, needs))
        return said

    def cancel(self) -> None:
        """As a user does."""
        ledger.put(self.store, keys.cancel(self.job), Record())

    def clear(self) -> None:
        """What restore.finalize does when it hears of the end."""
        ended = endings.ended(self.store, self.job)
        assert ended, "it has not ended"
        needs = restore_clear.ClearNeeds(self.destinations, self.cluster, self.clock)
        list(restore_clear.clear(self.event(ended), needs))

    def finalize(self) -> list[e.Event]:
        """What restore.finalize says to `restore.applied`."""
        needs = restore_finalize.FinalizeRestoreNeeds(self.destinations, self.cluster, PATIENCE, self.clock)
        return list(restore_finalize.finalize(self.event(e.RestoreApplied(restore=self.job.name)), needs))

    def mount(self, asked: e.Event) -> list[e.Event]:
        """What it says to a request to mount volumes."""
        needs = volumes_mount.MountNeeds(self.destinations, self.cluster, "busybox", PATIENCE, self.clock)
        return list(volumes_mount.mount(self.event(asked), needs))

    def fill(self, *volumes: str) -> None:
        """The nodes' workers have written volumes."""
        for volume in volumes:
            result = VolumeResult(volume=volume, bytes=1, files=1, finished_at=self.now)
            ledger.create(self.store, keys.volume_result(self.job, volume), result)

    def start_helpers(self, *claims: str) -> None:
        """A kubelet starts the helpers that mount `claims`."""
        for pod in list(self.cluster.list(PODS, None, RESTORE_LABEL)):
            if not set(claims).isdisjoint(claims_of(pod).values()):
                place = pod["metadata"]["namespace"], pod["metadata"]["name"]
                self.cluster.patch(PODS, *place, {"spec": {"nodeName": "node-a"}})
                self.cluster.patch(PODS, *place, {"status": {"phase": "Running"}}, status=True)

    def clock(self) -> datetime:
        """The time."""
        return self.now

    def deletes(self, **asked: Any) -> list[str]:
        """The names of what a restore deletes, in order, after it was asked for."""
        self.request(**asked)
        self.prepare()
        return [ref.title for ref in ledger.read(self.store, keys.undeploy(self.job), Undeploy).objects]

    @property
    def plan(self) -> RestorePlan:
        """The plan that was written."""
        return ledger.read(self.store, keys.plan(self.job), RestorePlan)

    @property
    def final(self) -> RestoreRecord | None:
        """How it ended."""
        return ledger.finished_restore(self.store, self.job.name)

    def _run(self, pod: Object, _container: str, _command: Sequence[str], _deadline: timedelta) -> Ended:
        self.ran.append(pod["metadata"]["name"])
        return self.answer

    def event(self, event: e.Event) -> Any:
        """The event, as a step hears it."""
        return e.wrap(event, source="tests", time=self.now)

    def _back_up(self) -> None:
        cluster = MemoryCluster(self.captured, clock=lambda: BEFORE)
        captured = capture(cluster, scope_of(CONSOLE, self.apps, self.of))
        plain = encode_manifest(captured)
        key = keys.manifest(Job("backup", "b"), hashlib.sha256(plain).hexdigest())
        self.store.create(key, self.repository.seal(plain, key))
        record = BackupRecord(
            name="b",
            request="q",
            status="Completed",
            app=self.of,
            apps=[AppRef(slug=app.slug, version=app.version, sequence=app.sequence) for app in self.apps],
            requested_at=BACKUP_AT,
            completed_at=BACKUP_AT,
            manifest=key,
            selector=spec_for(self.apps, self.of).label_selector if self.of else None,
            covers=captured.covers,
            objects=len(captured.objects),
            volumes=[_volume(namespace, claim) for namespace, claim in self.claims],
        )
        ledger.create(self.store, keys.final(Job("backup", "b")), record)


def _volume(namespace: str, claim: str) -> VolumeRecord:
    sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
    return VolumeRecord(
        namespace=namespace, pod=f"{claim}-0", name="data", kind="claim", claim=claim, volume_id=f"v-{claim}", **sizes
    )
