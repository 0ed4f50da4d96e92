"""Runs the hooks of restored pods, each when its container runs: once in a restore, as far as a killed worker allows.

A controller gives its pods other names, so a captured pod's hooks run in the pod of that name, or else in another that
is like it (the same labels, but for those that controllers set, and the same hook) and that no other's hooks run in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import keys
from schemas.errors import Code, TransientError
from schemas.job import Job
from schemas.kubernetes import PODS, Object
from schemas.messages import Message
from schemas.records import HookResult, RestoreHookPlan, RestoreHookRun, RestoreHookState, encode
from workers.hooks.ending import end, mark_of
from workers.hooks.restore_choose import EXEC, exec_hook
from workers.hooks.run import Ran, failed, is_ready, is_running, run
from workers.jobs import ledger
from workers.jobs.hooks import keep_output
from workers.jobs.pulse import pulsing
from workers.manifests.kube.objects import Name, annotations_of, is_going, labels_of, name_of, status_of, title, uid_of
from workers.ports import Cluster, ObjectStore, Repository

CONTROLLERS_OWN = ("pod-template-hash", "controller-revision-hash", "pod-template-generation")
"""Labels of pods that say which version of their controller made them; so do those of its domain (`OWN_DOMAINS`)."""
OWN_DOMAINS = ("statefulset.kubernetes.io/", "apps.kubernetes.io/", "velero.io/")
SKEW = timedelta(minutes=5)
"""How far the API server's clock may be behind ours."""
MOST_RUNS = 10
"""A hook that was broken off so often has failed."""
BEAT, SILENCE = 5.0, timedelta(seconds=20)
"""How often (in seconds) whoever runs a hook is heard of, and after what silence it is taken to be dead."""


@dataclass(frozen=True)
class Restored:
    """A restore whose pods have hooks, and what running them needs. Pods from before `asked_at` were not restored;
    `since` is when the last were created, `patience` how long a container may take that has no limit of its own."""

    job: Job
    store: ObjectStore
    repository: Repository
    cluster: Cluster
    asked_at: datetime
    since: datetime
    patience: timedelta
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """The states of the hooks of all pods, and in words what some of them wait for."""

    states: list[RestoreHookState]
    waiting: list[str]


def run_hooks(restored: Restored, pods: Sequence[Object]) -> Outcome:
    """Runs what can be run now of the hooks of the captured `pods`. Raises TransientError if the API server is away."""
    outcome = Outcome([], [])
    names = frozenset(map(name_of, pods))
    for pod in pods:
        hook, warnings = exec_hook(pod)
        if hook is None:
            continue
        one = _Hooked(restored, pod, hook, names)
        state = ledger.find(restored.store, one.key, RestoreHookState) or RestoreHookState(warnings=warnings)
        if state.result is None:
            state, why = _advance(one, state)
            outcome.waiting.extend([f"{title(pod)}: {why}"] if why else [])
        outcome.states.append(state)
    return outcome


@dataclass(frozen=True)
class _Hooked:
    """A captured pod with a hook, and the names of all captured pods."""

    restored: Restored
    pod: Object
    hook: RestoreHookPlan
    names: frozenset[Name]

    @property
    def key(self) -> str:
        """Of its state."""
        return keys.hooks_of(self.restored.job, "/".join(name_of(self.pod)))

    def run(self, number: int) -> str:
        """Key of the record of one run."""
        return keys.hook_run(self.restored.job, "/".join(name_of(self.pod)), number)


def _advance(one: _Hooked, state: RestoreHookState) -> tuple[RestoreHookState, str]:
    """Runs the hook if it can be run: the state, and what it waits for."""
    restored, hook, namespace = one.restored, one.hook, name_of(one.pod)[0]
    target, runs = _target(one, state), list(_runs(one))
    if runs and not runs[-1].over and restored.now() - runs[-1].at <= SILENCE:
        return state, "its hook is being run"
    why = _why_not(hook, target)
    if why and restored.now() - restored.since <= _limit(one):
        return state, why
    if target is None or why:
        ran = failed(namespace, hook, "restore", f"{why}, after {_limit(one)}", restored.now)
    elif len(runs) >= MOST_RUNS:
        ran = failed(namespace, hook, "restore", f"it was broken off {MOST_RUNS} times", restored.now)
    elif not restored.store.create(one.run(len(runs)), encode(RestoreHookRun(at=restored.now()))):
        return state, "its hook is being run"
    else:
        state, ran = _run(one, state, target, len(runs))
    return _put(one, state.model_copy(update={"result": _kept(one, ran)})), ""


def _kept(one: _Hooked, ran: Ran) -> HookResult:
    """The result of the hook, whose output is kept."""
    result, output = ran
    key = keys.hook_output(one.restored.job, "/".join(name_of(one.pod)), "restore-0")
    kept = keep_output(one.restored.store, one.restored.repository, key, output)
    return result.model_copy(update={"output": kept})


def _runs(one: _Hooked) -> Iterator[RestoreHookRun]:
    """All times that the hook was begun."""
    for number in range(MOST_RUNS):
        found = ledger.find(one.restored.store, one.run(number), RestoreHookRun)
        if found is None:
            return
        yield found


def _run(one: _Hooked, state: RestoreHookState, target: Object, number: int) -> tuple[RestoreHookState, Ran]:
    """Runs the hook in the live pod. One that was begun before, and broken off, is ended first, and that is told."""
    restored, (namespace, name) = one.restored, name_of(target)
    hook = one.hook.model_copy(update={"pod": name})
    mark = mark_of(restored.job, "/".join(name_of(one.pod)), "restore", 0)
    warnings = state.warnings
    if number:
        end(restored.cluster, namespace, hook, mark)
        text = f"{title(one.pod)}: its restore hook was broken off, and was run again"
        warnings = [*warnings, Message(code=Code.HOOK_INTERRUPTED, text=text, subject=title(one.pod))]
    state = _put(one, state.model_copy(update={"target": name, "uid": uid_of(target), "warnings": warnings}))
    try:
        with pulsing(lambda: _beat(one, number), BEAT):
            return state, run(restored.cluster, namespace, hook, "restore", mark, restored.now)
    except TransientError:
        ledger.put(restored.store, one.run(number), RestoreHookRun(at=restored.now(), over=True))
        raise


def _beat(one: _Hooked, number: int) -> None:
    restored = one.restored
    ledger.put(restored.store, one.run(number), RestoreHookRun(at=restored.now()))
    ledger.pulse(restored.store, restored.job)


def _put(one: _Hooked, state: RestoreHookState) -> RestoreHookState:
    ledger.put(one.restored.store, one.key, state)
    return state


def _limit(one: _Hooked) -> timedelta:
    wait = one.hook.wait_seconds
    return one.restored.patience if wait is None else timedelta(seconds=wait)


def _why_not(hook: RestoreHookPlan, target: Object | None) -> str:
    if target is None:
        return "there is no restored pod to run its hook in"
    if hook.refused:
        return ""
    if not is_running(target, hook.container):
        return f"container {hook.container} does not run"
    unready = hook.wait_for_ready and not is_ready(target, hook.container)
    return f"container {hook.container} is not ready" if unready else ""


def _target(one: _Hooked, state: RestoreHookState) -> Object | None:
    """The live pod in which the hook runs: the one in which it has begun, that of the same name, or one like it."""
    captured, candidates = name_of(one.pod), list(_candidates(one))
    chosen = [pod for pod in candidates if state.uid and uid_of(pod) == state.uid]
    chosen += [pod for pod in candidates if name_of(pod) == captured]
    if not chosen:
        taken = {other.uid for other in _others(one)}
        chosen = [pod for pod in candidates if uid_of(pod) not in taken and name_of(pod) not in one.names]
    return chosen[0] if chosen else None


def _candidates(one: _Hooked) -> Iterator[Object]:
    for pod in one.restored.cluster.list(PODS, name_of(one.pod)[0]):
        alike = name_of(pod) == name_of(one.pod) or _kind(pod) == _kind(one.pod)
        if alike and _was_restored(pod, one.pod, one.restored.asked_at) and not is_going(pod):
            yield pod


def _was_restored(pod: Object, captured: Object, asked_at: datetime) -> bool:
    created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    return uid_of(pod) != uid_of(captured) and created >= asked_at - SKEW and status_of(pod).get("phase") != "Failed"


def _kind(pod: Object) -> tuple[object, ...]:
    """What pods of one controller have in common."""
    labels = labels_of(pod)
    kept = {k: v for k, v in labels.items() if k not in CONTROLLERS_OWN and not k.startswith(OWN_DOMAINS)}
    return sorted(kept.items()), annotations_of(pod).get(f"{EXEC}/command")


def _others(one: _Hooked) -> Iterator[RestoreHookState]:
    store = one.restored.store
    for found in store.list(keys.hooks(one.restored.job)):
        if found.key != one.key:
            yield ledger.read(store, found.key, RestoreHookState)
