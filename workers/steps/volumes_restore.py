"""volumes.<node>: one slice of writing a volume back, through the pod that mounts it."""

import base64
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from schemas import events as e
from schemas import keys
from schemas.errors import Damaged, NotFound
from schemas.records import RestorePlan, RestoreSliceState, RestoreUnitResult, VolumeRestore
from workers import ledger
from workers.manifests.restore.holding_pods import DONE, WAITING
from workers.ports import ObjectStore, Progress, Repository, RestoreSlice, VolumeFiles
from workers.steps import endings
from workers.steps.slicing import Slicing, Turns, reporting
from workers.steps.volumes_copy import progressed


@dataclass(frozen=True)
class Restoring:
    """What restoring needs."""

    store: ObjectStore
    repository: Repository
    files: VolumeFiles
    slicing: Slicing
    turns: Turns
    now: Callable[[], datetime]


def restore(event: e.CloudEvent[e.VolumesRestoreRequested], world: Restoring) -> Iterator[e.Event]:
    """The next slice's request, or the volume's result. A pod that waits for its files is let go last."""
    name, unit = event.data.restore, event.data.unit
    if result := ledger.find(world.store, keys.unit("restores", name, unit), RestoreUnitResult):
        yield from _finish(event.data, result, world)
        return
    if ledger.over(world.store, "restores", name):
        return
    if ledger.cancelled(world.store, "restores", name):
        yield endings.cancel_restore(world.store, name, world.now())
        return
    with world.turns.take(f"{name}/{unit}"):
        yield from _slice(event.data, world)


def restored(name: str, result: RestoreUnitResult) -> e.Event:
    """The event of a volume's result."""
    if result.errors:
        return e.VolumesRestoreFailed(restore=name, unit=result.unit, reason=endings.brief(*result.errors))
    return e.VolumesRestored(restore=name, unit=result.unit, bytes=result.bytes, files=result.files)


def fail(store: ObjectStore, name: str, unit: str, reason: str, now: datetime) -> Iterator[e.Event]:
    """Gives a volume up; a pod that waits for it never starts, and says so."""
    result = RestoreUnitResult(unit=unit, errors=[f"{unit}: {reason}"], finished_at=now)
    yield restored(name, ledger.create(store, keys.unit("restores", name, unit), result))


def _slice(asked: e.VolumesRestoreRequested, world: Restoring) -> Iterator[e.Event]:
    key = keys.slices("restores", asked.restore, asked.unit)
    state = ledger.find(world.store, key, RestoreSliceState) or RestoreSliceState()
    if asked.slice < state.slice:
        # Redelivered after its state was saved; anything older has long been followed up.
        if asked.slice == state.slice - 1:
            yield asked.model_copy(update={"slice": state.slice})
        return
    plan = ledger.read(world.store, keys.plan("restores", asked.restore), RestorePlan)
    volume = next(volume for volume in plan.volumes if volume.unit == asked.unit)
    try:
        reached = yield from _advance(asked, volume, state, world)
    except (NotFound, Damaged) as error:
        yield from fail(world.store, asked.restore, asked.unit, str(error), world.now())
        return
    if reached.checkpoint is not None:
        saved = base64.b64encode(reached.checkpoint).decode()
        state = RestoreSliceState(slice=state.slice + 1, checkpoint=saved)
        ledger.put(world.store, key, state)
        yield asked.model_copy(update={"slice": state.slice})
        return
    result = RestoreUnitResult(
        unit=asked.unit,
        bytes=reached.bytes,
        files=reached.files,
        errors=[f"{asked.unit}: {lost}" for lost in reached.lost],
        warnings=[f"{asked.unit}: {warning}" for warning in reached.warnings],
        finished_at=world.now(),
    )
    standing = ledger.create(world.store, keys.unit("restores", asked.restore, asked.unit), result)
    yield from _finish(asked, standing, world)


def _advance(
    asked: e.VolumesRestoreRequested, volume: VolumeRestore, state: RestoreSliceState, world: Restoring
) -> Generator[e.Event, None, RestoreSlice]:
    target = world.files.directory(asked.pod_uid, asked.directory)
    checkpoint = base64.b64decode(state.checkpoint) if state.checkpoint else None
    stop = world.slicing.stop(asked.restore)

    def work(report: Callable[[Progress], None]) -> RestoreSlice:
        return world.repository.restore(volume.volume, target, checkpoint=checkpoint, stop=stop, progress=report)

    def tell(progress: Progress) -> e.VolumesProgressed:
        return progressed(asked.restore, asked.unit, volume.name, progress)

    reached = yield from reporting(work, tell)
    yield tell(Progress(reached.bytes, max(volume.bytes, reached.bytes), reached.files))
    return reached


def _finish(asked: e.VolumesRestoreRequested, result: RestoreUnitResult, world: Restoring) -> Iterator[e.Event]:
    if not result.errors:
        _let_go(asked, world.files)
    yield restored(asked.restore, result)


def _let_go(asked: e.VolumesRestoreRequested, files: VolumeFiles) -> None:
    """Tells a pod that waits for its files that they are there. One that has started already is left alone."""
    try:
        root = files.directory(asked.pod_uid, asked.directory)
    except NotFound:
        return
    if (root / WAITING).exists():
        _touch(root / DONE)


def _touch(path: Path) -> None:
    try:
        path.touch()
    except FileNotFoundError:
        return  # the pod started in between
