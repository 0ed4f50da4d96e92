"""Runs one hook in its container, and says what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.errors import Code, NotFound, PermanentError
from schemas.kubernetes import PODS, Object
from schemas.messages import Message
from schemas.records import HookOutput, HookPlan, HookResult
from schemas.records.hooks import HookPhase
from workers.hooks.choose import ENDED
from workers.hooks.ending import end, has_no_env, marked
from workers.manifests.kube.objects import status_of, uid_of
from workers.ports import Cluster, ExecResult

KEPT = 4096
"""Bytes of each output."""

Ran = tuple[HookResult, HookOutput]
"""What became of a hook, and what it said."""


def run(
    cluster: Cluster, namespace: str, hook: HookPlan, phase: HookPhase, mark: str, now: Callable[[], datetime]
) -> Ran:
    """Runs the command to its end, or to that of its time; then it is ended, where that is possible (see `ending`).

    What keeps it from being run is the result's `error`; raises TransientError where waiting may help, and if the
    connection is lost before its end: then it may still run."""
    began = now()
    if hook.refused:
        return _result(namespace, hook, phase, began, now, error=hook.refused)
    deadline = timedelta(seconds=hook.timeout_seconds)

    def execute(command: list[str]) -> ExecResult:
        return cluster.exec(namespace, hook.pod, hook.container, command, deadline=deadline, limit=KEPT)

    try:
        done = execute(marked(hook.command, mark))
        if has_no_env(done):
            done = execute(hook.command)
    except PermanentError as error:
        return _result(namespace, hook, phase, began, now, error=str(error))
    problem = _error(hook, done) if done.exit_code is not None else _too_long(cluster, namespace, hook, mark)
    return _result(namespace, hook, phase, began, now, done, problem)


def failed(namespace: str, hook: HookPlan, phase: HookPhase, error: str, now: Callable[[], datetime]) -> Ran:
    """The result of a hook that could not be run."""
    return _result(namespace, hook, phase, now(), now, error=error)


def failure(result: HookResult) -> Message:
    """A failed hook's error, for people. It names neither the command nor what it said: they are kept sealed."""
    pod = f"{result.namespace}/{result.pod}"
    when = "restore" if result.phase == "restore" else f"{result.phase} backup"
    text = f"Pod {pod}, container {result.container}: its {when} hook ({result.source}) failed: {result.error}"
    return Message(code=Code.HOOK_FAILED, text=text, subject=pod)


@dataclass(frozen=True)
class Obstacle:
    """Why a hook cannot be run; `passing` if waiting may help."""

    text: str
    passing: bool = False


def obstacle(cluster: Cluster, namespace: str, hook: HookPlan, *, same_pod: bool) -> Obstacle | None:
    """What keeps the hook from being run now; with `same_pod`, in no other pod of that name than the captured one.
    Raises TransientError."""
    try:
        pod = cluster.get(PODS, namespace, hook.pod)
    except NotFound:
        return Obstacle("the pod is gone")
    except PermanentError as error:
        return Obstacle(str(error))
    if same_pod and uid_of(pod) != hook.uid:
        return Obstacle("the pod was replaced by another of its name")
    if status_of(pod).get("phase") in ENDED:
        return Obstacle("the pod has ended")
    return None if is_running(pod, hook.container) else Obstacle(f"container {hook.container} does not run", True)


def is_running(pod: Object, container: str) -> bool:
    """Whether the container of the live pod runs; where the kubelet says nothing of it, as the pod does."""
    states = [entry.get("state") or {} for entry in _statuses(pod) if entry["name"] == container]
    return "running" in states[0] if states else status_of(pod).get("phase") == "Running"


def is_ready(pod: Object, container: str) -> bool:
    """Whether the container of the live pod is ready."""
    return any(entry["name"] == container and entry.get("ready") for entry in _statuses(pod))


def _statuses(pod: Object) -> list[Object]:
    status = status_of(pod)
    return [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]


def _error(hook: HookPlan, done: ExecResult) -> str:
    if done.exit_code == 0:
        return ""
    text = f"it ended with exit code {done.exit_code}"
    if done.exit_code == 127 and len(hook.command) == 1 and " " in hook.command[0]:
        return f'{text}; no shell reads it, so write program and arguments as a JSON array: ["program", "argument"]'
    return text


def _too_long(cluster: Cluster, namespace: str, hook: HookPlan, mark: str) -> str:
    took = f"it had not ended after {hook.timeout_seconds:g} s"
    if end(cluster, namespace, hook, mark):
        return f"{took}, and was ended"
    return f"{took}, and may still run: it could not be found, or not be ended, in its container"


def _result(
    namespace: str,
    hook: HookPlan,
    phase: HookPhase,
    began: datetime,
    now: Callable[[], datetime],
    done: ExecResult | None = None,
    error: str = "",
) -> Ran:
    done = done or ExecResult(None)
    result = HookResult(
        phase=phase,
        source=hook.source,
        namespace=namespace,
        pod=hook.pod,
        container=hook.container,
        started_at=began,
        seconds=(now() - began).total_seconds(),
        exit_code=done.exit_code,
        error=error,
    )
    output = HookOutput(
        command=hook.command,
        stdout=done.stdout,
        stderr=done.stderr,
        stdout_cut=done.stdout_cut,
        stderr_cut=done.stderr_cut,
    )
    return result, output
