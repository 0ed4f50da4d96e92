"""backup.finalize: when every unit of the plan is accounted for, the backup record is written, last."""

from collections.abc import Callable, Iterator
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.records import BackupPlan, BackupRecord, BackupRequest, UnitResult
from workers import ledger
from workers.ports import ObjectStore
from workers.steps import endings

Heard = e.BackupPlanned | e.VolumesCopied | e.VolumesCopyFailed


def finalize(event: e.CloudEvent[Heard], store: ObjectStore, now: Callable[[], datetime]) -> Iterator[e.Event]:
    """The final event, if this was the last unit to come in; else nothing."""
    name = event.data.backup
    if record := ledger.finished_backup(store, name):
        ledger.end(store, "backups", name)
        yield endings.backup_ended(record)
        return
    plan = ledger.find(store, keys.plan("backups", name), BackupPlan)
    if plan is None:
        return
    if ledger.cancelled(store, "backups", name):
        yield endings.cancel_backup(store, name, now())
        return
    results = _results(store, name)
    if {unit.unit for unit in plan.units} <= results.keys():
        request = ledger.read(store, keys.request("backups", name), BackupRequest)
        yield endings.finish_backup(store, _record(request, plan, list(results.values()), now()))


def _results(store: ObjectStore, name: str) -> dict[str, UnitResult]:
    found = store.list(keys.units("backups", name))
    results = (ledger.read(store, entry.key, UnitResult) for entry in found)
    return {result.unit: result for result in results}


def _record(request: BackupRequest, plan: BackupPlan, results: list[UnitResult], now: datetime) -> BackupRecord:
    errors = [*plan.errors, *(error for result in results for error in result.errors)]
    return BackupRecord(
        name=request.name,
        request=request.request,
        status="PartiallyFailed" if errors else "Completed",
        app=request.app,
        schedule=request.schedule,
        apps=request.apps,
        requested_at=request.requested_at,
        completed_at=now,
        manifest=plan.manifest,
        selector=plan.selector,
        objects=plan.objects,
        volumes=[volume for result in results for volume in result.volumes],
        errors=errors,
        warnings=[*plan.warnings, *(warning for result in results for warning in result.warnings)],
    )
