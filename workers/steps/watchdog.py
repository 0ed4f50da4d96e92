"""The watchdog: on every tick, tells the missing next step of each job that shows no progress.

It asks the object store alone, so it also helps after the broker has lost everything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.records import BackupPlan, BackupRequest, RestorePlan, RestoreRequest, Running
from workers import ledger
from workers.ports import ObjectStore
from workers.steps import endings
from workers.steps.manifest_capture import copy_requests

MOST_REDRIVES = 30
"""A job that has been helped so often without any progress has failed."""


@dataclass(frozen=True)
class Watch:
    """What the watchdog needs. A job without any write for `patience` is stalled."""

    store: ObjectStore
    patience: timedelta
    now: Callable[[], datetime]


def tick(_: e.CloudEvent[e.TickMinute], world: Watch) -> Iterator[e.Event]:
    """Looks at every running job."""
    for found in list(world.store.list(keys.RUNNING)):
        kind, name = keys.parse_running(found.key)
        if world.now() - max(found.modified, _newest(world.store, kind, name, found.modified)) > world.patience:
            yield from _backup(name, world) if kind == "backups" else _restore(name, world)


def _newest(store: ObjectStore, kind: keys.Kind, name: str, at_least: datetime) -> datetime:
    return max((found.modified for found in store.list(keys.job(kind, name))), default=at_least)


def _backup(name: str, world: Watch) -> Iterator[e.Event]:
    store = world.store
    request = ledger.find(store, keys.request("backups", name), BackupRequest)
    record = ledger.finished_backup(store, name)
    if request is None or record or ledger.deleted(store, "backups", name):
        ledger.end(store, "backups", name)
        if record:
            yield endings.backup_ended(record)
        return
    if ledger.cancelled(store, "backups", name):
        yield endings.cancel_backup(store, name, world.now())
        return
    redrive = _count(store, "backups", name)
    if redrive > MOST_REDRIVES:
        yield endings.stop_backup(store, name, world.now(), f"no progress after {MOST_REDRIVES} redrives")
        return
    yield e.BackupStalled(backup=name, redrive=redrive)
    plan = ledger.find(store, keys.plan("backups", name), BackupPlan)
    if plan is None:
        yield e.BackupLicensed(backup=name, app=request.app)
        return
    yield from copy_requests(store, name, plan)
    yield e.BackupPlanned(backup=name, objects=plan.objects, units=len(plan.units))


def _restore(name: str, world: Watch) -> Iterator[e.Event]:
    store = world.store
    request = ledger.find(store, keys.request("restores", name), RestoreRequest)
    record = ledger.finished_restore(store, name)
    if request is None or record:
        ledger.end(store, "restores", name)
        if record:
            yield endings.restore_ended(record)
        return
    if ledger.cancelled(store, "restores", name):
        yield endings.cancel_restore(store, name, world.now())
        return
    redrive = _count(store, "restores", name)
    if redrive > MOST_REDRIVES:
        yield endings.stop_restore(store, name, world.now(), f"no progress after {MOST_REDRIVES} redrives")
        return
    yield e.RestoreStalled(restore=name, redrive=redrive)
    plan = ledger.find(store, keys.plan("restores", name), RestorePlan)
    if plan is None:
        yield e.RestoreLicensed(restore=name, backup=request.backup, notes=request.notes)
    else:
        yield e.RestorePrepared(restore=name, objects=plan.objects, units=len(plan.volumes))


def _count(store: ObjectStore, kind: keys.Kind, name: str) -> int:
    """Counts one more redrive in the running marker, which also winds the clock up again."""
    marker = ledger.find(store, keys.running(kind, name), Running) or Running()
    counted = Running(redrives=marker.redrives + 1)
    ledger.put(store, keys.running(kind, name), counted)
    return counted.redrives
