"""volumes.<node>: one slice of copying the volumes of one pod into the repository."""

import base64
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import NotFound
from schemas.records import BackupPlan, Parent, SliceState, UnitPlan, UnitResult, VolumePlan, VolumeRecord
from workers import ledger
from workers.ports import CopySlice, ObjectStore, Progress, Repository, VolumeFiles
from workers.steps import endings
from workers.steps.slicing import Slicing, Turns, reporting


@dataclass(frozen=True)
class Copying:
    """What copying needs."""

    store: ObjectStore
    repository: Repository
    files: VolumeFiles
    slicing: Slicing
    turns: Turns
    now: Callable[[], datetime]


def copy(event: e.CloudEvent[e.VolumesCopyRequested], world: Copying) -> Iterator[e.Event]:
    """The next slice's request, or the unit's result."""
    backup, unit = event.data.backup, event.data.unit
    if result := ledger.find(world.store, keys.unit("backups", backup, unit), UnitResult):
        yield copied(backup, result)
        return
    if ledger.over(world.store, "backups", backup):
        return
    if ledger.cancelled(world.store, "backups", backup):
        yield endings.cancel_backup(world.store, backup, world.now())
        return
    with world.turns.take(f"{backup}/{unit}"):
        yield from _slice(event.data, world)


def copied(backup: str, result: UnitResult) -> e.Event:
    """The event of a unit's result."""
    if result.errors:
        return e.VolumesCopyFailed(backup=backup, unit=result.unit, reason=endings.brief(*result.errors))
    return e.VolumesCopied(
        backup=backup,
        unit=result.unit,
        scanned_bytes=sum(volume.scanned_bytes for volume in result.volumes),
        changed_bytes=sum(volume.changed_bytes for volume in result.volumes),
        uploaded_bytes=sum(volume.uploaded_bytes for volume in result.volumes),
        files=sum(volume.files for volume in result.volumes),
    )


def fail(store: ObjectStore, event: e.VolumesCopyRequested, reason: str, now: datetime) -> Iterator[e.Event]:
    """Gives a unit up: what it has copied so far stays, and its result says why there is no more."""
    state = _state(store, event.backup, event.unit)
    yield copied(event.backup, _record(store, event.backup, event.unit, state, now, reason))


def _slice(asked: e.VolumesCopyRequested, world: Copying) -> Iterator[e.Event]:
    backup = asked.backup
    state = _state(world.store, backup, asked.unit)
    if asked.slice < state.slice:
        # Redelivered after its state was saved; anything older has long been followed up.
        if asked.slice == state.slice - 1:
            yield asked.model_copy(update={"slice": state.slice})
        return
    plan = ledger.read(world.store, keys.plan("backups", backup), BackupPlan)
    unit = next(unit for unit in plan.units if unit.unit == asked.unit)
    stop = world.slicing.stop(backup)
    while state.done < len(unit.volumes) and not stop():
        state = yield from _advance(backup, unit, state, stop, world)
        if state.checkpoint:
            break
    if state.done == len(unit.volumes):
        yield copied(backup, _record(world.store, backup, unit.unit, state, world.now()))
        return
    state = state.model_copy(update={"slice": state.slice + 1})
    ledger.put(world.store, keys.slices("backups", backup, unit.unit), state)
    yield asked.model_copy(update={"slice": state.slice})


def _advance(
    backup: str, unit: UnitPlan, state: SliceState, stop: Callable[[], bool], world: Copying
) -> Generator[e.Event, None, SliceState]:
    """One slice of the next volume: done, with a checkpoint, or failed for good."""
    volume = unit.volumes[state.done]
    try:
        root = world.files.directory(unit.pod_uid, volume.directory)
    except NotFound as error:
        said = f"{unit.unit}, volume {volume.name}: {error}"
        return state.model_copy(update={"done": state.done + 1, "checkpoint": None, "errors": [*state.errors, said]})
    identity = keys.parent(volume.identity(unit.namespace, unit.pod))
    parent = ledger.find(world.store, identity, Parent)
    checkpoint = base64.b64decode(state.checkpoint) if state.checkpoint else None

    def work(report: Callable[[Progress], None]) -> CopySlice:
        known = parent.volume if parent else None
        return world.repository.copy(root, parent=known, checkpoint=checkpoint, stop=stop, progress=report)

    def tell(progress: Progress) -> e.VolumesProgressed:
        return progressed(backup, unit.unit, volume.name, progress)

    reached = yield from reporting(work, tell)
    if reached.volume is None:
        saved = base64.b64encode(reached.checkpoint or b"").decode()
        return state.model_copy(update={"checkpoint": saved})
    yield tell(Progress(reached.scanned_bytes, reached.scanned_bytes, reached.files))
    ledger.put(world.store, identity, Parent(volume=reached.volume))
    warnings = [f"{unit.unit}, volume {volume.name}: {warning}" for warning in reached.warnings]
    return state.model_copy(
        update={
            "done": state.done + 1,
            "checkpoint": None,
            "volumes": [*state.volumes, _volume(unit, volume, reached)],
            "warnings": [*state.warnings, *warnings],
        }
    )


def progressed(job: str, unit: str, volume: str, progress: Progress) -> e.VolumesProgressed:
    """The event of one volume's progress."""
    return e.VolumesProgressed(
        job=job,
        unit=unit,
        volume=volume,
        bytes_done=progress.bytes_done,
        bytes_total=progress.bytes_total,
        files_done=progress.files_done,
    )


def _state(store: ObjectStore, backup: str, unit: str) -> SliceState:
    return ledger.find(store, keys.slices("backups", backup, unit), SliceState) or SliceState()


def _record(
    store: ObjectStore, backup: str, unit: str, state: SliceState, now: datetime, reason: str | None = None
) -> UnitResult:
    result = UnitResult(
        unit=unit,
        volumes=state.volumes,
        errors=[*state.errors, f"{unit}: {reason}"] if reason else state.errors,
        warnings=state.warnings,
        finished_at=now,
    )
    return ledger.create(store, keys.unit("backups", backup, unit), result)


def _volume(unit: UnitPlan, volume: VolumePlan, reached: CopySlice) -> VolumeRecord:
    if reached.volume is None:
        raise RuntimeError("an unfinished volume has no record")
    return VolumeRecord(
        namespace=unit.namespace,
        pod=unit.pod,
        name=volume.name,
        kind=volume.kind,
        claim=volume.claim,
        volume=reached.volume,
        scanned_bytes=reached.scanned_bytes,
        changed_bytes=reached.changed_bytes,
        uploaded_bytes=reached.uploaded_bytes,
        files=reached.files,
    )
