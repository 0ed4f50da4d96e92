"""What the model saw while jobs ran: the cluster as it was when a backup read it, and around each restore."""

import json
from dataclasses import dataclass, field

from schemas import keys
from schemas.application import from_secret
from schemas.job import Job, snapshot_of
from schemas.kubernetes import Object
from schemas.records import BackupPlan, BackupRecord, BackupRequest, RestoreRecord, RestoreRequest
from tests.unit.model.deleting import Restoring, is_others
from tests.unit.model.emulated import Content, Emulated, Id, Place
from tests.unit.model.oracle import CLAIMS, Owners, Rule, homes, selection
from tests.unit.model.parts import App
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class Moment:
    """The cluster at one moment: objects, volumes, and who was registered."""

    objects: dict[Id, Object]
    contents: dict[Place, Content]
    apps: list[App]


@dataclass
class Watching:
    """Moments: `read` by the key of what was captured; by restore `before` it, when it had ended (`after`), and when
    all was cleared away."""

    world: Emulated
    store: ObjectStore
    console: str
    apps: list[App]
    read: dict[str, Moment] = field(default_factory=dict)
    before: dict[str, Moment] = field(default_factory=dict)
    after: dict[str, Moment] = field(default_factory=dict)
    cleared: dict[str, Moment] = field(default_factory=dict)
    homes: dict[str, dict[str, Rule]] = field(default_factory=dict)
    """By backup, also of those that were deleted since: where newer objects count."""

    def seen(self, key: str) -> None:
        """A record is about to be created, or was deleted."""
        if "/manifests/" in key:
            self.read[key] = self.moment()
        elif key.startswith("restores/") and key.endswith("/undeploy.json") and not self._there(key):
            self.before[key.split("/")[1]] = self.moment()
        elif key.startswith("final/restore/") and not self._there(key):
            self.after[key.removeprefix("final/restore/").removesuffix(".json")] = self.moment()
        elif key.startswith("final/backup/") and not self._there(key):
            self._ends(key.removeprefix("final/backup/").removesuffix(".json"))
        elif key.startswith("running/restore/") and not self._there(key):
            name = key.removeprefix("running/restore/")
            if self._there(keys.final(Job("restore", name))):
                self.cleared.setdefault(name, self.moment())

    def moment(self) -> Moment:
        """Now."""
        objects = self.world.objects()
        secrets = [obj for obj in objects.values() if "snapline.dev/application" in _labels(obj)]
        known = {from_secret(secret).slug for secret in secrets}
        return Moment(objects, self.world.contents(), [app for app in self.apps if app.slug in known])

    def backups(self, *, snapshots: bool = False) -> list[BackupRecord]:
        """Those that can be restored, oldest first; or those that were made for restores."""
        found = [
            each
            for each in ledger.finished_backups(self.store)
            if each.status in ("Completed", "PartiallyFailed")
            and (snapshot_of(Job("backup", each.name)) is not None) == snapshots
        ]
        return sorted(found, key=lambda record: (record.completed_at, record.name))

    def restores(self) -> list[RestoreRecord]:
        """Those that have ended, oldest first."""
        found = [ledger.read(self.store, each.key, RestoreRecord) for each in self.store.list("final/restore/")]
        return sorted(found, key=lambda record: (record.completed_at, record.name))

    def selected(self, backup: BackupRecord) -> Owners:
        """What it should hold, by the oracle; of a safety snapshot, what it holds."""
        if snapshot_of(Job("backup", backup.name)):
            return self.held(backup.manifest or "")
        moment = self.read[backup.manifest or ""]
        named = {app.slug for app in backup.apps}
        apps = [app for app in moment.apps if app.slug in named]
        return selection(moment.objects, apps, backup.app, self.console)

    def restoring(self, name: str) -> Restoring:
        """What a restore may do, by the oracle."""
        request = ledger.read(self.store, keys.request(Job("restore", name)), RestoreRequest)
        backup = ledger.finished_backup(self.store, request.backup)
        assert backup is not None
        return Restoring(
            taken=self.selected(backup),
            scope=request.scope,
            app=request.app,
            refilled={(volume.namespace, volume.claim) for volume in backup.volumes if volume.claim},
            since=backup.requested_at,
            keep_newer=request.keep_newer,
            rules=self._homes(backup.name),
        )

    def shares_volumes(self, restore: RestoreRecord) -> bool:
        """Whether volumes in its scope belong to others, too: what is there of these it leaves alone, and says so."""
        restoring = self.restoring(restore.name)
        held = {(CLAIMS, *name) for name in restoring.refilled} | {id_ for id_ in restoring.taken if id_[0] == "pods"}
        there, whose = self.after[restore.name].objects, restoring.concerned
        return any(
            not restoring.taken[id_] <= whose or (id_ in there and is_others(there[id_], whose))
            for id_ in held & restoring.wanted()
        )

    def _ends(self, name: str) -> None:
        job = Job("backup", name)
        plan = ledger.find(self.store, keys.plan(job), BackupPlan)
        request = ledger.find(self.store, keys.request(job), BackupRequest)
        if plan and request and snapshot_of(job) is None:
            self.homes[name] = homes(self.read[plan.manifest].apps, request.app, self.console)

    def _homes(self, backup: str) -> dict[str, Rule]:
        """Where newer objects count: a safety snapshot looks where the backup did that is restored."""
        if restored := snapshot_of(Job("backup", backup)):
            return self._homes(ledger.read(self.store, keys.request(restored), RestoreRequest).backup)
        return self.homes[backup]

    def held(self, key: str) -> Owners:
        """What a captured document holds."""
        ids = {obj["metadata"]["uid"]: id_ for id_, obj in self.read[key].objects.items()}
        entries = json.loads(self.opened(key))["objects"]
        return {ids[entry["object"]["metadata"]["uid"]]: set(entry["owners"]) for entry in entries}

    def opened(self, key: str) -> bytes:
        """What was captured, unsealed."""
        return self.store.get(key).removeprefix(key.encode() + b"\n")

    def _there(self, key: str) -> bool:
        return ledger.exists(self.store, key)


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}
