"""The hooks of a job, and what they ran and said, which is sealed: to see it takes the passphrase."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.errors import NotFound, SnaplineError
from schemas.messages import Message, told
from schemas.records import HookResult
from schemas.records.hooks import HookPhase
from workers.jobs.hooks import load_output
from workers.ports import ObjectStore, Repository


@dataclass(frozen=True)
class HookView:
    """One hook that was run, as in `HookResult`; `stdout` and `stderr` are the ends of what it said, and `stdout_cut`
    and `stderr_cut` say whether there was more before. `problem` says why command and output are not shown."""

    phase: HookPhase
    source: str
    namespace: str
    pod: str
    container: str
    started_at: datetime
    seconds: float
    exit_code: int | None
    error: str
    command: tuple[str, ...] = ()
    stdout: str = ""
    stderr: str = ""
    stdout_cut: bool = False
    stderr_cut: bool = False
    problem: Message | None = None


def hooks(
    store: ObjectStore, results: Sequence[HookResult], open_repository: Callable[[], Repository]
) -> tuple[HookView, ...]:
    """What became of each hook, in order. The repository is opened where there is output to read; what cannot be read
    is a problem of the hook that said it."""
    if not any(result.output for result in results):
        return tuple(map(_bare, results))
    try:
        repository = open_repository()
    except SnaplineError as error:
        return tuple(replace(_bare(result), problem=told(error) if result.output else None) for result in results)
    return tuple(_whole(store, repository, result) for result in results)


def _bare(result: HookResult) -> HookView:
    return HookView(
        phase=result.phase,
        source=result.source,
        namespace=result.namespace,
        pod=result.pod,
        container=result.container,
        started_at=result.started_at,
        seconds=result.seconds,
        exit_code=result.exit_code,
        error=result.error,
    )


def _whole(store: ObjectStore, repository: Repository, result: HookResult) -> HookView:
    view = _bare(result)
    if not result.output:
        return view
    try:
        said = load_output(store, repository, result.output)
    except NotFound as error:
        gone = Message(code=error.code, text="what it ran and said is no longer in the object store")
        return replace(view, problem=gone)
    except SnaplineError as error:
        return replace(view, problem=told(error))
    return replace(
        view,
        command=tuple(said.command),
        stdout=said.stdout,
        stderr=said.stderr,
        stdout_cut=said.stdout_cut,
        stderr_cut=said.stderr_cut,
    )
