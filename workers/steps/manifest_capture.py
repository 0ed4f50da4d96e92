"""manifest.capture: reads the selected objects, seals them into the store, plans the copying of their volumes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.records import BackupPlan, BackupRequest, SliceState, UnitPlan
from workers import ledger
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.capture.scope import scope_of, spec_for
from workers.manifests.capture.select import capture as capture_objects
from workers.manifests.capture.volume_plan import plan_units
from workers.ports import Cluster, ObjectStore, Repository
from workers.steps import endings
from workers.steps.applications import concerned, registered


@dataclass(frozen=True)
class Capture:
    """What capturing needs."""

    store: ObjectStore
    cluster: Cluster
    repository: Repository
    console_namespace: str
    now: Callable[[], datetime]


def capture(event: e.CloudEvent[e.BackupLicensed], world: Capture) -> Iterator[e.Event]:
    """The plan, written once, and a request for each of its units that is not done."""
    name = event.data.backup
    if record := ledger.finished_backup(world.store, name):
        yield endings.backup_ended(record)
        return
    if ledger.deleted(world.store, "backups", name):
        return
    if ledger.cancelled(world.store, "backups", name):
        yield endings.cancel_backup(world.store, name, world.now())
        return
    plan = ledger.find(world.store, keys.plan("backups", name), BackupPlan) or _plan(name, world)
    yield from copy_requests(world.store, name, plan)
    yield e.BackupPlanned(backup=name, objects=plan.objects, units=len(plan.units))


def copy_requests(store: ObjectStore, backup: str, plan: BackupPlan) -> Iterator[e.VolumesCopyRequested]:
    """The next slice of every unit that has no result yet."""
    done = {found.key for found in store.list(keys.units("backups", backup))}
    for unit in plan.units:
        if keys.unit("backups", backup, unit.unit) not in done:
            yield _next_slice(store, backup, unit)


def _next_slice(store: ObjectStore, backup: str, unit: UnitPlan) -> e.VolumesCopyRequested:
    state = ledger.find(store, keys.slices("backups", backup, unit.unit), SliceState) or SliceState()
    return e.VolumesCopyRequested(backup=backup, node=unit.node, unit=unit.unit, slice=state.slice)


def _empty(captured: Captured, slugs: list[str]) -> Iterator[str]:
    """A backup that holds nothing of an application must not look as if it did."""
    held = {owner for owners in captured.owners.values() for owner in owners}
    for slug in slugs:
        if slug not in held:
            yield f"application {slug}: no object was selected; look at its labels and its Backup resource"


def _plan(name: str, world: Capture) -> BackupPlan:
    request = ledger.read(world.store, keys.request("backups", name), BackupRequest)
    apps = concerned(registered(world.cluster, world.console_namespace), request.app)
    scope = scope_of(world.console_namespace, apps, request.app)
    captured = capture_objects(world.cluster, scope)
    spec = spec_for(apps, request.app)
    units, warnings, errors = plan_units(captured.objects, spec.default_volumes)
    plain = encode_manifest(captured)
    key = keys.manifest(name, hashlib.sha256(plain).hexdigest())
    world.store.create(key, world.repository.seal(plain, key))
    return ledger.create(
        world.store,
        keys.plan("backups", name),
        BackupPlan(
            manifest=key,
            objects=len(captured.objects),
            units=units,
            selector=spec.label_selector if request.app else None,
            errors=[*captured.errors, *errors],
            warnings=[*captured.warnings, *warnings, *_empty(captured, [app.slug for app in apps])],
        ),
    )
