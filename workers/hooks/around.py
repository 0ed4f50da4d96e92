"""The hooks around the copy of one pod: what comes before it, and what comes after it, always.

Each stage is recorded before it begins (`HookState`), so that whoever is delivered the pod's message next knows what is
owed. What comes after the copy runs at least once when what comes before it has begun: also after a failed copy, a
cancel, or a killed worker. What comes before it is not run again once it is done. If it was broken off, what comes
after it is run first, and then all begins anew: so nothing is frozen twice, and nothing is copied half prepared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import keys
from schemas.errors import Code, NotYet, PermanentError, TransientError
from schemas.job import Job
from schemas.messages import Message
from schemas.records import BackupPlan, HookPlan, HookResult, HookState, PodHooks, PodPlan
from schemas.records.hooks import HookStage
from workers.hooks.choose import Phase
from workers.hooks.ending import end, mark_of
from workers.hooks.run import Ran, failed, failure, obstacle, run
from workers.hooks.sealed import load_plans
from workers.jobs import ledger
from workers.jobs.hooks import keep_output
from workers.jobs.once import once
from workers.jobs.pulse import pulsing
from workers.ports import Cluster, ObjectStore, Repository

PATIENCE = timedelta(minutes=2)
"""How long a container may take to run before the hooks in it have failed."""
THAW_PATIENCE = timedelta(minutes=10)
"""The same for what comes after the copy, as something may be frozen."""
OWING = THAW_PATIENCE + timedelta(minutes=5)
"""A backup that has ended before that owes nothing any more, or nobody runs it."""
MOST_ROUNDS = 10
"""Hooks that were broken off so often have failed."""
LOOK_AGAIN = timedelta(seconds=2)


@dataclass(frozen=True)
class Hooked:
    """A pod (`<namespace>/<pod>`) whose copy has hooks around it, and what running them needs."""

    job: Job
    pod: str
    store: ObjectStore
    repository: Callable[[], Repository]
    cluster: Callable[[], Cluster]
    now: Callable[[], datetime]

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.pod.partition("/")[0]

    @once
    def hooks(self) -> PodHooks:
        """Its hooks. Raises NotFound, Damaged."""
        plan = ledger.read(self.store, keys.plan(self.job), BackupPlan)
        return load_plans(self.store, self.repository(), self.job, plan.hooks or "").pods.get(self.pod, PodHooks())


def before(one: Hooked, plan: PodPlan) -> HookState | None:
    """Runs what comes before the copy, if that is not done; None for a pod without hooks.

    Raises NotYet while a container does not run yet, or another backup has the pod between its own hooks, and
    TransientError when the API server is away."""
    if not plan.hooks:
        return None
    state = _find(one)
    if state is None or state.stage == "waiting":
        _nobody_elses(one, plan)
    if state is None:
        stage: HookStage = "waiting" if one.hooks.pre else "pre-done"
        new = HookState(stage=stage, since=one.now(), thaws=bool(one.hooks.post))
        # Created, not put: if the network brings it late, it must not stand over what has begun since, and is owed.
        state = ledger.create(one.store, keys.hooks_of(one.job, one.pod), new)
    if state.stage == "pre-begun":
        state = _begin_anew(one, state)
    return _run_pre(one, state) if state.stage == "waiting" else state


def _nobody_elses(one: Hooked, plan: PodPlan) -> None:
    """Raises NotYet while another backup in this destination has the pod between its hooks: what comes after its copy
    would thaw, or take away, what this one copies. One process works on the pods of a node, and one thread on a pod, so
    nobody enters between this look and what follows."""
    for job, runs in _others(one).items():
        other = ledger.find(one.store, keys.hooks_of(job, one.pod), HookState)
        if other and (other.has_begun if runs else other.owes) and _is_planned(one.store, job, plan):
            ledger.pulse(one.store, one.job)
            raise NotYet(f"{one.pod} is between the hooks of {job}", LOOK_AGAIN)


def _others(one: Hooked) -> dict[Job, bool]:
    """The other backups that run (True), and those that have just ended and may still owe what comes after their copy
    (False). A backup that ends between the two looks is seen by the second."""
    running = [keys.parse_running(found.key) for found in one.store.list(keys.running_of("backup"))]
    until = one.now() - OWING
    finals = list(one.store.list(keys.finals_of("backup")))
    ended = [keys.parse_final(found.key) for found in finals if found.modified > until]
    jobs: dict[Job | None, bool] = {**dict.fromkeys(ended, False), **dict.fromkeys(running, True)}
    return {job: runs for job, runs in jobs.items() if job is not None and job != one.job}


def _is_planned(store: ObjectStore, job: Job, pod: PodPlan) -> bool:
    """Whether that backup has the same pod in its plan, and not one that had its name before."""
    plan = ledger.find(store, keys.plan(job), BackupPlan)
    return plan is not None and any(each.uid == pod.uid for each in plan.pods)


def after(one: Hooked) -> HookState | None:
    """Runs what comes after the copy, if it is owed and not done; None for a pod without hooks.

    Raises NotYet, for at most THAW_PATIENCE, while it cannot be run."""
    state = _find(one)
    if state is None or state.stage == "post-done":
        return state
    if state.stage == "waiting":
        return _enter(one, state, "post-done")
    try:
        return _run_post(one, state)
    except PermanentError as error:
        text = f"Pod {one.pod}: its hooks after the copy could not be run: {error}"
        told = Message(code=Code.HOOK_NOT_RUN, text=text, subject=one.pod)
        return _enter(one, state.model_copy(update={"errors": [*state.errors, told]}), "post-done")


def _run_post(one: Hooked, state: HookState) -> HookState:
    if state.stage == "pre-begun":
        _end_all(one, one.hooks.pre, "pre")
    if state.stage == "post-begun":
        _end_all(one, one.hooks.post, "post")
    else:
        state = _enter(one, state, "post-begun")
    return _enter(one, state, "post-done", _thaw(one, state))


def _run_pre(one: Hooked, state: HookState) -> HookState:
    hooks = _able(one, one.hooks.pre, state.since + PATIENCE, same_pod=True)
    state = _enter(one, state, "pre-begun")
    results = _run_all(one, hooks, "pre")
    return _enter(one, state, "pre-done", results, stopped=_stopped(hooks, results))


def _able(one: Hooked, hooks: Sequence[HookPlan], until: datetime, *, same_pod: bool) -> list[HookPlan]:
    """The hooks; those that cannot be run are refused. Raises NotYet, at most `until`, for what waiting may help."""
    met = [None if hook.refused else obstacle(one.cluster(), one.namespace, hook, same_pod=same_pod) for hook in hooks]
    passing = [each.text for each in met if each and each.passing]
    if passing and one.now() <= until:
        ledger.pulse(one.store, one.job)
        raise NotYet(f"{one.pod}: its hooks cannot be run yet: {'; '.join(passing)}", LOOK_AGAIN)
    return [
        hook.model_copy(update={"refused": each.text}) if each else hook for hook, each in zip(hooks, met, strict=True)
    ]


def _begin_anew(one: Hooked, state: HookState) -> HookState:
    """After hooks that were broken off: ends what is left of them, thaws, and goes back to the beginning."""
    _end_all(one, one.hooks.pre, "pre")
    thawed = [failure(result).text for result in _run_all(one, one.hooks.post, "post") if result.error]
    text = f"Pod {one.pod}: its hooks before the copy were broken off; those after it were run, and all was begun anew"
    told = Message(code=Code.HOOK_INTERRUPTED, text="; ".join([text, *thawed]), subject=one.pod)
    again = {"since": one.now(), "round": state.round + 1, "warnings": [*state.warnings, told]}
    if state.round + 1 < MOST_ROUNDS:
        return _put(one, state.model_copy(update={**again, "stage": "waiting"}))
    text = f"Pod {one.pod}: its hooks before the copy were broken off {MOST_ROUNDS} times, and not run to their end"
    error = Message(code=Code.HOOK_INTERRUPTED, text=text, subject=one.pod)
    stopped = any(hook.on_error == "Fail" for hook in one.hooks.pre)
    last = {**again, "stage": "pre-done", "stopped": stopped, "errors": [*state.errors, error]}
    return _put(one, state.model_copy(update=last))


def _run_all(one: Hooked, hooks: Sequence[HookPlan], phase: Phase) -> list[HookResult]:
    """Runs them in order; after an error of one that says `Fail`, no more."""
    results: list[HookResult] = []
    with pulsing(lambda: ledger.pulse(one.store, one.job)):
        for number, hook in enumerate(hooks):
            mark = mark_of(one.job, one.pod, phase, number)
            results.append(_kept(one, number, run(one.cluster(), one.namespace, hook, phase, mark, one.now)))
            if _stopped(hooks, results):
                break
    return results


def _thaw(one: Hooked, state: HookState) -> list[HookResult]:
    """What comes after the copy. As long as there is patience, it is begun anew when something gets in the way."""
    until = state.since + THAW_PATIENCE
    try:
        return _run_all(one, _able(one, one.hooks.post, until, same_pod=False), "post")
    except NotYet:
        raise
    except TransientError as error:
        if one.now() <= until:
            ledger.pulse(one.store, one.job)
            raise NotYet(f"{one.pod}: its hooks after the copy cannot be run yet: {error}", LOOK_AGAIN) from error
        text = f"{error}; what the hooks before the copy have done may not be undone"
        ran = [failed(one.namespace, hook, "post", text, one.now) for hook in one.hooks.post]
        return [_kept(one, number, each) for number, each in enumerate(ran)]


def _kept(one: Hooked, number: int, ran: Ran) -> HookResult:
    """The result of a hook, whose output is kept."""
    result, output = ran
    key = keys.hook_output(one.job, one.pod, f"{result.phase}-{number}")
    return result.model_copy(update={"output": keep_output(one.store, one.repository(), key, output)})


def _stopped(hooks: Sequence[HookPlan], results: Sequence[HookResult]) -> bool:
    return any(result.error and hook.on_error == "Fail" for hook, result in zip(hooks, results, strict=False))


def _end_all(one: Hooked, hooks: Sequence[HookPlan], phase: Phase) -> None:
    for number, hook in enumerate(hooks):
        if not hook.refused:
            end(one.cluster(), one.namespace, hook, mark_of(one.job, one.pod, phase, number))


def _enter(
    one: Hooked, state: HookState, stage: HookStage, results: Sequence[HookResult] = (), *, stopped: bool | None = None
) -> HookState:
    """The state in its next stage, recorded; with the results of the one before."""
    errors = [failure(result) for result in results if result.error]
    changes = {
        "stage": stage,
        "since": one.now(),
        "stopped": state.stopped if stopped is None else stopped,
        "results": [*state.results, *results],
        "errors": [*state.errors, *errors],
    }
    return _put(one, state.model_copy(update=changes))


def _find(one: Hooked) -> HookState | None:
    return ledger.find(one.store, keys.hooks_of(one.job, one.pod), HookState)


def _put(one: Hooked, state: HookState) -> HookState:
    ledger.put(one.store, keys.hooks_of(one.job, one.pod), state)
    return state
