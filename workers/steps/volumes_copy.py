"""volumes.<node>: one slice of copying the volumes of one pod into the repository."""

import base64
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotFound
from schemas.job import Job
from schemas.messages import Message
from schemas.records import BackupPlan, CopyState, Parent, PodPlan, PodResult, VolumePlan, VolumeRecord
from workers.jobs import ledger, progress
from workers.jobs.locks import Locks
from workers.jobs.results import pod_copied, progressed, record_pod
from workers.jobs.slicing import Slicing, reporting
from workers.ports import CopySlice, Destinations, ObjectStore, Progress, Repository, VolumeFiles


@dataclass(frozen=True)
class CopyNeeds:
    """What copying needs."""

    destinations: Destinations
    files: VolumeFiles
    slicing: Slicing
    locks: Locks
    now: Callable[[], datetime]


@dataclass(frozen=True)
class _Copy:
    """One slice: of which pod, and where to."""

    job: Job
    pod: PodPlan
    store: ObjectStore
    repository: Repository
    stop: Callable[[], bool]


def copy(event: e.CloudEvent[e.VolumesCopyRequested], needs: CopyNeeds) -> Iterator[e.Event]:
    """The next slice's request, or the pod's result."""
    asked = event.data
    job, store = asked.job, needs.destinations.store(asked.destination)
    if result := ledger.find(store, keys.pod_result(job, asked.pod), PodResult):
        yield pod_copied(asked, result)
        return
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    with needs.locks.holding(f"{job}, pod {asked.pod}"):
        yield from _slice(asked, store, needs)


def give_up(event: e.CloudEvent[e.VolumesCopyRequested], reason: Message, needs: CopyNeeds) -> Iterator[e.Event]:
    """Records that no more of a pod's volumes is copied: what was copied stays, and the result says why."""
    asked = event.data
    job, store = asked.job, needs.destinations.store(asked.destination)
    state = _state(store, job, asked.pod)
    yield pod_copied(asked, record_pod(store, job, asked.pod, state, needs.now(), str(reason)))


def _slice(asked: e.VolumesCopyRequested, store: ObjectStore, needs: CopyNeeds) -> Iterator[e.Event]:
    job = asked.job
    state = _state(store, job, asked.pod)
    if asked.slice < state.slice:
        # Redelivered after its state was saved; anything older has long been followed up.
        if asked.slice == state.slice - 1:
            yield asked.model_copy(update={"slice": state.slice})
        return
    plan = ledger.read(store, keys.plan(job), BackupPlan)
    pod = next(pod for pod in plan.pods if pod.key == asked.pod)
    stop = needs.slicing.stop(job)
    one = _Copy(job, pod, store, needs.destinations.repository(asked.destination), stop)
    while state.done < len(pod.volumes) and not stop():
        state = yield from _advance(one, state, needs.files)
        if state.checkpoint:
            break
    if state.done == len(pod.volumes):
        yield pod_copied(asked, record_pod(store, job, pod.key, state, needs.now()))
        return
    state = state.model_copy(update={"slice": state.slice + 1})
    ledger.put(store, keys.slices(job, pod.key), state)
    yield asked.model_copy(update={"slice": state.slice})


def _advance(one: _Copy, state: CopyState, files: VolumeFiles) -> Generator[e.Event, None, CopyState]:
    """One slice of the next volume: done, with a checkpoint, or failed for good."""
    pod, volume = one.pod, one.pod.volumes[state.done]
    where = f"{pod.key}, volume {volume.name}"
    try:
        root = files.directory(pod.uid, volume.directory)
    except NotFound as error:
        lost = Message(code=Code.VOLUME_NOT_COPIED, text=f"{where}: {error}", subject=where)
        return state.model_copy(update={"done": state.done + 1, "checkpoint": None, "errors": [*state.errors, lost]})
    identity = keys.parent(volume.identity(pod.namespace, pod.name))
    parent = ledger.find(one.store, identity, Parent)
    work = partial(
        one.repository.copy,
        root,
        parent=parent.volume_id if parent else None,
        checkpoint=base64.b64decode(state.checkpoint) if state.checkpoint else None,
        stop=one.stop,
    )
    tell = partial(progressed, one.job, volume.key(pod.namespace, pod.name))
    reached = yield from reporting(lambda report: work(progress=report), tell)
    if reached.volume is None:
        saved = base64.b64encode(reached.checkpoint or b"").decode()
        return state.model_copy(update={"checkpoint": saved})
    yield tell(Progress(reached.scanned_bytes, reached.scanned_bytes, reached.files))
    ledger.put(one.store, identity, Parent(volume_id=reached.volume))
    return _with(state, _record(pod, volume, reached.volume, reached), where, reached)


def _with(state: CopyState, volume: VolumeRecord, where: str, reached: CopySlice) -> CopyState:
    """The state after one more volume is copied. One that lacks files can be restored all the same, but is an error."""
    return state.model_copy(
        update={
            "done": state.done + 1,
            "checkpoint": None,
            "volumes": [*state.volumes, volume],
            "errors": [*state.errors, *_about(where, reached.unreadable, Code.FILE_NOT_COPIED)],
            "warnings": [*state.warnings, *_about(where, reached.warnings, Code.FILE_WARNING)],
        }
    )


def _state(store: ObjectStore, job: Job, pod: str) -> CopyState:
    return ledger.find(store, keys.slices(job, pod), CopyState) or CopyState()


def _about(where: str, said: tuple[str, ...], code: Code) -> list[Message]:
    return [Message(code=code, text=f"{where}: {one}", subject=where) for one in said]


def _record(pod: PodPlan, volume: VolumePlan, volume_id: str, reached: CopySlice) -> VolumeRecord:
    return VolumeRecord(
        namespace=pod.namespace,
        pod=pod.name,
        name=volume.name,
        kind=volume.kind,
        claim=volume.claim,
        volume_id=volume_id,
        scanned_bytes=reached.scanned_bytes,
        changed_bytes=reached.changed_bytes,
        uploaded_bytes=reached.uploaded_bytes,
        files=reached.files,
    )
