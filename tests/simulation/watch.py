"""Who watches a history while it runs: what is wrong at the moment at which it happens, and what to look at later."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from schemas import events as e
from schemas import keys
from schemas.job import Job, backup, restore, safety_snapshot
from schemas.kubernetes import ResourceType
from schemas.records import RestorePlan, RestoreRequest, Undeploy
from tests.simulation.machinery.machines import Machines
from workers.jobs import ledger
from workers.ports import ObjectStore


class Wrong(NamedTuple):
    """A rule that does not hold, and what shows it."""

    rule: str
    text: str


class Watch:
    """`stores` are the plain stores by destination; `seen` is called with each key of the default one as `written` is;
    `opened` gives the record that is sealed for a key."""

    def __init__(
        self,
        machines: Callable[[], Machines],
        stores: Callable[[], Mapping[str, ObjectStore]],
        seen: Callable[[str], None],
        opened: Callable[[str, bytes], bytes],
    ) -> None:
        self._machines, self._stores, self._seen, self._opened = machines, stores, seen, opened
        self.wrong: list[Wrong] = []
        self.touched: list[Job] = []
        self.excused: set[str] = set()
        """Final records of processes that could not know the time."""
        self.cancelled_at: dict[Job, datetime] = {}
        self._finals: dict[tuple[str, str], int] = defaultdict(int)

    def found(self, rule: str, text: str) -> None:
        """A rule was broken."""
        self.wrong.append(Wrong(rule, text))
        self._machines().note(f"!!! {rule}: {text}")

    # --- what is written

    def written(self, destination: str, key: str, body: bytes | None) -> None:
        """Before a write, and after a deletion."""
        if destination == "default":
            self._seen(key)
        if body is None:
            self._deleted(destination, key)
        elif key.startswith("final/"):
            self._final(destination, key, body)
        elif key.startswith("restores/") and key.endswith("/request.json"):
            self._restoring(destination, key, body)
        elif key.endswith("/plan.json") and key.startswith("backups/"):
            self._planned(key)

    def _final(self, destination: str, key: str, body: bytes) -> None:
        process = self._machines().process
        if process is not None and process.is_mistaken():
            self.excused.add(key)
        self._finals[destination, key] += 1
        if destination == "default":
            self._ends_as(key, body)
        if ledger.exists(self._stores()[destination], key):
            self.found("final-unchanged", f"{destination}: {key} is written over")
        elif self._finals[destination, key] > 1:
            self.found("ends-once", f"{destination}: {key} is written again after it was deleted")

    def _ends_as(self, key: str, body: bytes) -> None:
        """A cancelled job ends so, unless it was ending when that was asked."""
        job = keys.parse_final(key)
        at = self.cancelled_at.get(job) if job else None
        status = json.loads(self._opened(key, body))["status"]
        began = self._machines().began.get(self._machines().actor or "")
        if at is not None and began is not None and at < began and status in ("Completed", "PartiallyFailed"):
            self.found("cancelled", f"{job} was cancelled at {at}, and ends {status} by a step that began at {began}")

    def _restoring(self, destination: str, key: str, body: bytes) -> None:
        """No restore of a backup is accepted by who has looked after its tombstone stood."""
        name = json.loads(self._opened(key, body))["backup"]
        began = self._machines().began.get(self._machines().actor or "")
        for found in self._stores()[destination].list(keys.deleted(backup(name))):
            if began is not None and found.modified < began:
                self.found("tombstone-heeded", f"{key} is made, though backup {name} is deleted since {found.modified}")

    def _planned(self, key: str) -> None:
        job, began = backup(key.split("/")[1]), self._machines().began.get(self._machines().actor or "")
        at = self.cancelled_at.get(job)
        if at is not None and began is not None and at < began:
            self.found("cancelled", f"{job} was cancelled at {at}, and is planned by a step that began at {began}")

    def _deleted(self, destination: str, key: str) -> None:
        if not key.startswith("final/backup/"):
            return
        store, name = self._stores()[destination], key.removeprefix("final/backup/").removesuffix(".json")
        for found in store.list("running/restore/"):
            job = keys.parse_running(found.key)
            request = ledger.find(store, keys.request(job), RestoreRequest)
            begun = ledger.exists(store, keys.plan(job)) and not ledger.exists(store, keys.final(job))
            if request and request.backup == name and begun:
                self.found("needed-backup-kept", f"backup {name} is deleted while {job} needs it")

    # --- what is done in the cluster

    def touching(self, how: str, type_: ResourceType | None, namespace: str, name: str) -> None:
        """Before a change of the cluster."""
        machines = self._machines()
        document = machines.documents.get(machines.actor or "")
        job = _job_of(document) if document else None
        if document is None or job is None:
            return
        if self.touched[-1:] != [job]:
            self.touched.append(job)
        if how == "delete" and document["type"] == e.RestoreUndeployRequested.type:
            self._deleting(job, document["data"]["destination"], f"{type_ and type_.group_resource} {namespace}/{name}")

    def _deleting(self, job: Job, destination: str, what: str) -> None:
        store = self._stores()[destination]
        plan = ledger.find(store, keys.plan(job), RestorePlan)
        if plan is None or ledger.find(store, keys.undeploy(job), Undeploy) is None:
            self.found("recorded-first", f"{job} deletes {what} without a plan")
        elif plan.snapshot and not ledger.exists(store, keys.final(safety_snapshot(job))):
            self.found("snapshot-first", f"{job} deletes {what} before its safety snapshot has ended")

    # --- what is told

    def telling(self, event: e.Event) -> None:
        """Before an event is on the bus."""
        store = self._stores().get(getattr(event, "destination", ""), self._stores()["default"])
        for key in _needed(event):
            if not ledger.exists(store, key) and not self._is_gone(store, event):
                self.found("recorded-first", f"{event.type} {event.subject} is told, and there is no {key}")

    def _is_gone(self, store: ObjectStore, event: e.Event) -> bool:
        return isinstance(event, e.JobEvent) and ledger.deleted(store, event.job)


def _needed(event: e.Event) -> list[str]:
    if isinstance(event, e.FINAL) and isinstance(event, e.JobEvent):
        return [keys.final(event.job)]
    match event:
        case e.BackupPlanned() | e.RestorePlanned():
            return [keys.plan(event.job)]
        case e.BackupLicensed() | e.RestoreLicensed():
            return [keys.request(event.job)]
        case e.VolumesCopied() | e.VolumesCopyFailed():
            return [keys.pod_result(event.job, event.pod)]
        case e.VolumesRestored() | e.VolumesRestoreFailed():
            return [keys.volume_result(event.job, event.volume)]
        case e.RestorePrepared():
            return [keys.undeployed(event.job, event.owner)]
    return []


def _job_of(document: Mapping[str, object]) -> Job | None:
    data = document["data"]
    assert isinstance(data, dict)
    if document["type"] in e.REQUESTS:
        return None
    if "restore" in data:
        return restore(str(data["restore"]))
    return backup(str(data["backup"])) if "backup" in data else None
