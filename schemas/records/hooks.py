"""The records of hooks: what is to be run in which pod, how far it has come, and what came of it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.messages import Message
from schemas.records.base import Record

OnError = Literal["Continue", "Fail"]
HookPhase = Literal["pre", "post", "restore"]
"""When a hook runs: before or after its pod's volumes are copied, or after its pod was restored."""
HookStage = Literal["waiting", "pre-begun", "pre-done", "post-begun", "post-done"]


class HookPlan(BaseModel):
    """One command to run in the container of a pod. `source` says who asked for it. With `Fail`, an error keeps what
    comes after it from being done. `refused` says why it cannot be run at all; that counts as an error of the hook."""

    model_config = ConfigDict(frozen=True, extra="allow")

    source: str
    pod: str  # its name; the namespace is that of the pod that is copied
    uid: str
    container: str
    command: list[str]
    on_error: OnError = "Continue"
    timeout_seconds: float
    refused: str = ""


class PodHooks(BaseModel):
    """The hooks around the copy of a pod, in order."""

    model_config = ConfigDict(frozen=True, extra="allow")

    pre: list[HookPlan] = []
    post: list[HookPlan] = []


class HookPlans(Record):
    """The hooks of a backup, by pod (`<namespace>/<pod>`). Sealed: a command may hold a password, and who can write to
    the store must not have commands of their own run."""

    pods: dict[str, PodHooks]


class HookResult(BaseModel):
    """What became of a hook. Without an exit code, the command did not begin, or did not end in time. `error` says in
    plain words what went wrong, and `output` is the key of the command and of what it said (`HookOutput`)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    phase: HookPhase
    source: str
    namespace: str
    pod: str
    container: str
    started_at: datetime
    seconds: float
    exit_code: int | None = None
    error: str = ""
    output: str = ""


class HookOutput(Record):
    """What a hook ran and said: of each output the end, and whether there was more before. Sealed: what a command says
    may be anything."""

    command: list[str]
    stdout: str = ""
    stderr: str = ""
    stdout_cut: bool = False
    stderr_cut: bool = False


class HookState(Record):
    """How far the hooks around the copy of a pod have come. A stage is written before what it names is done: `waiting`
    for the containers to run, `pre-begun`, `pre-done`, `post-begun`, `post-done`.

    `since` is when the stage was first entered, `thaws` whether there are hooks after the copy, `round` how often those
    before it were begun anew, and `stopped` whether one of them failed that lets nothing be copied."""

    stage: HookStage
    since: datetime
    thaws: bool
    round: int = 0
    stopped: bool = False
    results: list[HookResult] = []
    errors: list[Message] = []
    warnings: list[Message] = []

    @property
    def has_begun(self) -> bool:
        """Whether the pod is between what comes before the copy and what comes after it, each included."""
        return self.stage not in ("waiting", "post-done")

    @property
    def owes(self) -> bool:
        """Whether hooks after the copy are still to be run, since what comes before them has begun."""
        return self.thaws and self.has_begun


class RestoreHookPlan(HookPlan):
    """One command to run in a restored pod. Without `wait_seconds` its container may take as long as workloads may."""

    wait_seconds: float | None = None
    wait_for_ready: bool = False


class RestoreHookState(Record):
    """How far the hook of one restored pod has come. It runs in the pod `target`: a controller gives its pods other
    names. With a `result` it is done."""

    target: str = ""
    uid: str = ""
    result: HookResult | None = None
    warnings: list[Message] = []


class RestoreHookRun(Record):
    """Somebody runs a restored pod's hook, and was last heard of `at`; `over` if it was broken off. Created once for
    each run, so that two workers never run it at the same time."""

    at: datetime
    over: bool = False
