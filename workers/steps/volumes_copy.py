"""volumes.<node>: one slice of copying the volumes of one pod into the repository, between the pod's hooks."""

import base64
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged, NotFound, TransientError
from schemas.job import Job
from schemas.messages import Message, prefixed, told
from schemas.records import (
    BackupPlan,
    CopyState,
    HookState,
    Parent,
    PodPlan,
    PodResult,
    Suspicion,
    VolumePlan,
    VolumeRecord,
)
from workers.hooks import around
from workers.hooks.around import Hooked
from workers.jobs import ledger, progress
from workers.jobs.locks import Locks
from workers.jobs.pod_presence import LOST, pod_state
from workers.jobs.results import pod_copied, progressed, record_pod
from workers.jobs.slicing import Slicing, reporting
from workers.ports import Cluster, CopySlice, Destinations, ObjectStore, Progress, Repository, VolumeFiles
from workers.suspicion import history

_AT_END: dict[str, None] = {"checkpoint": None, "mount": None, "began_at": None}
"""Of a state, when it is done with a volume."""


@dataclass(frozen=True)
class CopyNeeds:
    """What copying needs. The cluster is asked whether a pod is still there, and to run its hooks."""

    destinations: Destinations
    cluster: Callable[[], Cluster]
    files: VolumeFiles
    slicing: Slicing
    locks: Locks
    now: Callable[[], datetime]
    watching: bool = True
    """Whether unusual changes in volumes are looked for."""


@dataclass(frozen=True)
class _Copy:
    """One slice: of which pod, and where to."""

    job: Job
    pod: PodPlan
    store: ObjectStore
    repository: Repository
    cluster: Callable[[], Cluster]
    files: VolumeFiles
    stop: Callable[[], bool]
    now: Callable[[], datetime]
    watching: bool


def copy(event: e.CloudEvent[e.VolumesCopyRequested], needs: CopyNeeds) -> Iterator[e.Event]:
    """The next slice's request, or the pod's result. Of a job that is over, only what comes after the copy is done.

    Raises NotYet while hooks cannot be run yet."""
    asked = event.data
    job, store = asked.job, needs.destinations.store(asked.destination)
    if result := ledger.find(store, keys.pod_result(job, asked.pod), PodResult):
        yield pod_copied(asked, result)
        return
    with needs.locks.holding(f"pod {asked.pod}"):
        if progress.is_over(store, job):
            around.after(_hooked(asked, store, needs))
            yield from progress.settled(store, job, needs.now()) or ()
        else:
            yield from _slice(asked, store, needs)


def give_up(event: e.CloudEvent[e.VolumesCopyRequested], reason: Message, needs: CopyNeeds) -> Iterator[e.Event]:
    """Records that no more of a pod's volumes is copied: what was copied stays, and the result says why."""
    asked = event.data
    store = needs.destinations.store(asked.destination)
    yield _finish(asked, _given_up(_state(store, asked.job, asked.pod), asked.pod, str(reason)), store, needs)


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
    if not state.given_up:
        state = _may_be_copied(state, pod, around.before(_hooked(asked, store, needs), pod))
    stop = needs.slicing.stop(job)
    repository = needs.destinations.repository(asked.destination)
    one = _Copy(job, pod, store, repository, needs.cluster, needs.files, stop, needs.now, needs.watching)
    while not _is_done(state, pod) and not stop():
        state = yield from _advance(one, state)
        if state.checkpoint:
            break
        if not _is_done(state, pod):
            ledger.put(store, keys.slices(job, pod.key), state)  # the next volume may take long, or kill the worker
    if _is_done(state, pod):
        yield _finish(asked, state, store, needs)
        return
    state = state.model_copy(update={"slice": state.slice + 1})
    ledger.put(store, keys.slices(job, pod.key), state)
    yield asked.model_copy(update={"slice": state.slice})


def _finish(asked: e.VolumesCopyRequested, state: CopyState, store: ObjectStore, needs: CopyNeeds) -> e.Event:
    """What comes after the copy, and the pod's result. That nothing is left to copy is recorded first: what was thawed
    must not be copied again."""
    job, pod = asked.job, asked.pod
    hooks = None
    if ledger.exists(store, keys.hooks_of(job, pod)):
        ledger.put(store, keys.slices(job, pod), state)
        hooks = around.after(_hooked(asked, store, needs))
    return pod_copied(asked, record_pod(store, job, pod, state, hooks, needs.now()))


def _may_be_copied(state: CopyState, pod: PodPlan, hooks: HookState | None) -> CopyState:
    """The state, given up if the pod's hooks do not allow a copy."""
    if hooks is None or _is_done(state, pod) or (hooks.stage == "pre-done" and not hooks.stopped):
        return state
    if not hooks.stopped:
        return _given_up(state, pod.key, "the hooks after the copy were run before it was done")
    names = ", ".join(volume.name for volume in pod.volumes)
    return _given_up(state, pod.key, f"volumes {names} were not copied, as a hook failed whose on-error is Fail")


def _given_up(state: CopyState, pod: str, why: str) -> CopyState:
    """The state with nothing left to copy."""
    if state.given_up:
        return state
    error = Message(code=Code.VOLUME_NOT_COPIED, text=f"{pod}: {why}")
    return state.model_copy(update={"given_up": True, "errors": [*state.errors, error]})


def _is_done(state: CopyState, pod: PodPlan) -> bool:
    return state.given_up or state.done == len(pod.volumes)


def _hooked(asked: e.VolumesCopyRequested, store: ObjectStore, needs: CopyNeeds) -> Hooked:
    repository = partial(needs.destinations.repository, asked.destination)
    return Hooked(asked.job, asked.pod, store, repository, needs.cluster, needs.now)


def _advance(one: _Copy, state: CopyState) -> Generator[e.Event, None, CopyState]:
    """One slice of the next volume: done, with a checkpoint, or failed for good; all that is left of the pod has failed
    if the pod went. Raises TransientError while it cannot be copied."""
    volume, mount, root = one.pod.volumes[state.done], state.mount, None
    try:
        root = one.files.directory(one.pod.uid, volume.directory)
        mount = mount or _mount(root)
        why = _why_lost(one, volume, mount, begins=state.mount is None)
        return _without_pod(state, one.pod, why) if why else (yield from _copy_slice(one, state, root, mount))
    except NotFound as error:
        if root is not None:
            raise
        where = f"{one.pod.key}, volume {volume.name}"
        lost = Message(code=Code.VOLUME_NOT_COPIED, text=f"{where}: {error}", subject=where)
        return state.model_copy(update={"done": state.done + 1, **_AT_END, "errors": [*state.errors, lost]})
    except TransientError:
        if why := _why_lost(one, volume, mount):
            return _without_pod(state, one.pod, why)
        raise


def _why_lost(one: _Copy, volume: VolumePlan, mount: str | None, *, begins: bool = False) -> str | None:
    """Why the volume is not what it was, if it is not: its pod went, and nobody knows what of it was still there. As
    long as a pod that is going still has the volume mounted, a copy that has begun goes on."""
    state = pod_state(one.cluster, one.pod)
    if state == "gone" or (state in LOST and (begins or not _is_mounted(one, volume, mount))):
        return LOST[state]
    return None


def _is_mounted(one: _Copy, volume: VolumePlan, mount: str | None) -> bool:
    try:
        return _mount(one.files.directory(one.pod.uid, volume.directory)) == mount
    except (NotFound, TransientError):
        return False


def _mount(root: Path) -> str:
    """What tells a mounted volume from the empty directory that is left of it, and from another one."""
    try:
        status = root.stat()
    except OSError as error:
        raise TransientError(f"could not look at {root}: {error.strerror}") from error
    return f"{status.st_dev}:{status.st_ino}"


def _without_pod(state: CopyState, pod: PodPlan, why: str) -> CopyState:
    """The state with all volumes that are left given up."""
    lost = []
    for volume in pod.volumes[state.done :]:
        where = f"{pod.key}, volume {volume.name}"
        lost.append(Message(code=Code.POD_GONE, text=f"{where}, was not copied: {why}; back up again", subject=where))
    return state.model_copy(update={"done": len(pod.volumes), **_AT_END, "errors": [*state.errors, *lost]})


def _copy_slice(one: _Copy, state: CopyState, root: Path, mount: str) -> Generator[e.Event, None, CopyState]:
    """Copies the next volume until the slice ends. What was copied of a volume that was taken away does not count."""
    pod, volume = one.pod, one.pod.volumes[state.done]
    identity = keys.parent(volume.identity(pod.namespace, pod.name))
    parent, doubts = _parent(one.store, identity)
    work = partial(
        one.repository.copy,
        root,
        parent=parent.volume_id if parent else None,
        checkpoint=base64.b64decode(state.checkpoint) if state.checkpoint else None,
        binding=f"{keys.slices(one.job, pod.key)} {state.done}",
        stop=one.stop,
    )
    tell = partial(progressed, one.job, volume.key(pod.namespace, pod.name))
    began_at = state.began_at or one.now()
    reached = yield from reporting(lambda report: work(progress=report), tell)
    if why := _why_lost(one, volume, mount):
        return _without_pod(state, pod, why)
    if reached.volume is None:
        saved = base64.b64encode(reached.checkpoint or b"").decode()
        return state.model_copy(update={"checkpoint": saved, "mount": mount, "began_at": began_at})
    yield tell(Progress(reached.scanned_bytes, reached.scanned_bytes, reached.files))
    watched = one.watching and volume.watched and volume.kind == "claim"  # what else there is goes with its pod
    newest, suspicion = history.add(
        parent,
        reached.volume,
        one.job.name,
        reached,
        one.now(),
        watched=watched,
        is_told=lambda backup: ledger.is_usable(one.store, backup),
    )
    ledger.put(one.store, identity, newest)
    where = f"{pod.key}, volume {volume.name}"
    record = _record(pod, volume, reached.volume, reached, suspicion)
    record = record.model_copy(update={"node": pod.node, "began_at": began_at, "ended_at": one.now()})
    return _with(state, record, where, reached, doubts)


def _parent(store: ObjectStore, identity: str) -> tuple[Parent | None, list[Message]]:
    """The newest copy that this one may compare with, and what is doubtful of it: it is only for speed, and one that
    cannot be believed is as none."""
    try:
        return ledger.find(store, identity, Parent), []
    except Damaged as error:
        return None, [prefixed("all of the volume was read anew", told(error))]


def _with(state: CopyState, volume: VolumeRecord, where: str, reached: CopySlice, doubts: list[Message]) -> CopyState:
    """The state after one more volume is copied. One that lacks files can be restored all the same, but is an error."""
    return state.model_copy(
        update={
            "done": state.done + 1,
            **_AT_END,
            "volumes": [*state.volumes, volume],
            "errors": [*state.errors, *_about(where, reached.unreadable, Code.FILE_NOT_COPIED)],
            "warnings": [*state.warnings, *doubts, *_about(where, reached.warnings, Code.FILE_WARNING)],
        }
    )


def _state(store: ObjectStore, job: Job, pod: str) -> CopyState:
    return ledger.find(store, keys.slices(job, pod), CopyState) or CopyState()


def _about(where: str, said: tuple[str, ...], code: Code) -> list[Message]:
    return [Message(code=code, text=f"{where}: {one}", subject=where) for one in said]


def _record(
    pod: PodPlan, volume: VolumePlan, volume_id: str, reached: CopySlice, suspicion: Suspicion | None
) -> VolumeRecord:
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
        changes=reached.changes,
        suspicion=suspicion,
    )
