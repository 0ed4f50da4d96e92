"""volumes.<node>: one slice of writing a volume back, through the pod that mounts it."""

import base64
import errno
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged, NotFound, TransientError
from schemas.messages import Message
from schemas.records import RestorePlan, VolumeRestore, VolumeResult, WriteState
from workers.jobs import ledger, progress
from workers.jobs.locks import Locks
from workers.jobs.results import give_up_volume, progressed, volume_restored
from workers.jobs.slicing import Slicing, reporting
from workers.manifests.restore.holding_pods import DONE
from workers.ports import Destinations, ObjectStore, Progress, Repository, RestoreSlice, VolumeFiles
from workers.repository.files.rooted import Rooted

NOT_WAITING = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EEXIST))
"""Errors of letting go a pod that does not wait, was let go already, or has something else in that place."""


@dataclass(frozen=True)
class RestoreNeeds:
    """What writing volumes back needs."""

    destinations: Destinations
    files: VolumeFiles
    slicing: Slicing
    locks: Locks
    now: Callable[[], datetime]


def restore(event: e.CloudEvent[e.VolumesRestoreRequested], needs: RestoreNeeds) -> Iterator[e.Event]:
    """The next slice's request, or the volume's result. A pod that waits for its files is let go last."""
    asked = event.data
    job, store = asked.job, needs.destinations.store(asked.destination)
    if result := ledger.find(store, keys.volume_result(job, asked.volume), VolumeResult):
        yield from _finish(asked, result, needs.files)
        return
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    with needs.locks.holding(f"{job}, volume {asked.volume}"):
        yield from _slice(asked, store, needs)


def give_up(event: e.CloudEvent[e.VolumesRestoreRequested], reason: Message, needs: RestoreNeeds) -> Iterator[e.Event]:
    """Records that a volume is not written."""
    asked = event.data
    store = needs.destinations.store(asked.destination)
    yield give_up_volume(store, asked.job, asked.destination, asked.volume, str(reason), needs.now())


def _slice(asked: e.VolumesRestoreRequested, store: ObjectStore, needs: RestoreNeeds) -> Iterator[e.Event]:
    job, key = asked.job, keys.slices(asked.job, asked.volume)
    state = ledger.find(store, key, WriteState) or WriteState()
    if asked.slice < state.slice:
        # Redelivered after its state was saved; anything older has long been followed up.
        if asked.slice == state.slice - 1:
            yield asked.model_copy(update={"slice": state.slice})
        return
    plan = ledger.read(store, keys.plan(job), RestorePlan)
    volume = next(volume for volume in plan.volumes if volume.key == asked.volume)
    try:
        reached = yield from _advance(asked, volume, state, needs)
    except (NotFound, Damaged) as error:
        yield give_up_volume(store, job, asked.destination, asked.volume, str(error), needs.now())
        return
    if reached.checkpoint is not None:
        saved = base64.b64encode(reached.checkpoint).decode()
        state = WriteState(slice=state.slice + 1, checkpoint=saved)
        ledger.put(store, key, state)
        yield asked.model_copy(update={"slice": state.slice})
        return
    result = ledger.create(store, keys.volume_result(job, asked.volume), _result(asked.volume, reached, needs.now()))
    yield from _finish(asked, result, needs.files)


def _advance(
    asked: e.VolumesRestoreRequested, volume: VolumeRestore, state: WriteState, needs: RestoreNeeds
) -> Generator[e.Event, None, RestoreSlice]:
    repository: Repository = needs.destinations.repository(asked.destination)
    work = partial(
        repository.restore,
        volume.volume_id,
        needs.files.directory(asked.pod_uid, asked.directory),
        checkpoint=base64.b64decode(state.checkpoint) if state.checkpoint else None,
        binding=keys.slices(asked.job, asked.volume),
        stop=needs.slicing.stop(asked.job),
    )
    tell = partial(progressed, asked.job, volume.key)
    reached = yield from reporting(lambda report: work(progress=report), tell)
    yield tell(Progress(reached.bytes, max(volume.bytes, reached.bytes), reached.files))
    return reached


def _result(volume: str, reached: RestoreSlice, now: datetime) -> VolumeResult:
    return VolumeResult(
        volume=volume,
        bytes=reached.bytes,
        files=reached.files,
        errors=[Message(code=Code.FILE_NOT_RESTORED, text=f"{volume}: {lost}") for lost in reached.lost],
        warnings=[Message(code=Code.FILE_WARNING, text=f"{volume}: {warning}") for warning in reached.warnings],
        finished_at=now,
    )


def _finish(asked: e.VolumesRestoreRequested, result: VolumeResult, files: VolumeFiles) -> Iterator[e.Event]:
    if not result.errors:
        _let_go(asked, files)
    yield volume_restored(asked.job, asked.destination, result)


def _let_go(asked: e.VolumesRestoreRequested, files: VolumeFiles) -> None:
    """Tells a pod that waits for its files that they are there. One that has started already is left alone, and one
    that mounts nothing is gone: its files were written. Whoever is in the pod may have put symlinks there; none is
    followed."""
    try:
        with Rooted(files.directory(asked.pod_uid, asked.directory)) as volume:
            directory, name = volume.within(DONE.encode())
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode=0o644, dir_fd=directory))
    except (NotFound, TransientError):
        return
    except OSError as error:
        if error.errno not in NOT_WAITING:
            raise TransientError(f"could not let the pod of {asked.volume} go: {error.strerror}") from error
