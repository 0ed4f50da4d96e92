"""Whether what a test restore has brought back works: its check command, and its probe. Safe to run again."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import keys
from schemas.errors import Code, Invalid, NotFound, NotYet
from schemas.job import Job
from schemas.kubernetes import PODS, Object
from schemas.messages import Message
from schemas.records import Began, Checked, HookPlan, HookResult, RestoreTest
from workers.hooks.ending import mark_of
from workers.hooks.run import is_ready, run
from workers.jobs import ledger
from workers.jobs.hooks import keep_output
from workers.manifests.kube.objects import is_going, labels_of, name_of, spec_of, uid_of
from workers.manifests.kube.own import RESTORE_LABEL
from workers.ports import Cluster, ObjectStore, Repository
from workers.verification import probe

TRIES = timedelta(seconds=30)
"""How long a probe is tried again: what is ready may need a moment to answer."""
SOURCE = "test restore"


@dataclass(frozen=True)
class Trial:
    """A test restore whose workloads are ready. `namespaces` are its own, by what they were called when they were
    backed up; `patience` is how long a pod may take, and the check command."""

    job: Job
    test: RestoreTest
    namespaces: dict[str, str]
    store: ObjectStore
    repository: Repository
    cluster: Cluster
    image: str
    patience: timedelta
    now: Callable[[], datetime]


def check(trial: Trial) -> Checked:
    """How the check has ended, recorded once. Raises NotYet while it waits for a pod."""
    if standing := ledger.find(trial.store, keys.checked(trial.job), Checked):
        return standing
    # First what may wait and is asked again; a command is run once, unless its worker is killed.
    problems = [_unanswered(trial, why) for why in _probe(trial)] if trial.test.probe else []
    results: list[HookResult] = []
    try:
        results = list(_run(trial)) if trial.test.check_command else []
    except Invalid as error:
        problems.append(Message(code=Code.CHECK_FAILED, text=str(error)))
    problems += [_failed(result) for result in results if result.error]
    ended = Checked(at=trial.now(), hooks=results, problems=problems)
    return ledger.create(trial.store, keys.checked(trial.job), ended)


def _run(trial: Trial) -> Iterator[HookResult]:
    pod = next(_pods(trial), None)
    if pod is None:
        which = f"called {trial.test.check_in}" if trial.test.check_in else "of the application"
        _wait(trial, f"a ready pod {which}")
        raise Invalid(f"there was no ready pod {which} to run the check in")
    namespace, name = name_of(pod)
    plan = HookPlan(
        source=SOURCE,
        pod=name,
        uid=uid_of(pod),
        container=spec_of(pod)["containers"][0]["name"],
        command=trial.test.check_command,
        timeout_seconds=trial.patience.total_seconds(),
    )
    mark = mark_of(trial.job, "check", "restore", 0)
    result, output = run(trial.cluster, namespace, plan, "restore", mark, trial.now)
    key = keys.hook_output(trial.job, "check", "restore-0")
    yield result.model_copy(update={"output": keep_output(trial.store, trial.repository, key, output)})


def _pods(trial: Trial) -> Iterator[Object]:
    """The ready pods of the test that may be meant, by name."""
    wanted = trial.test.check_in.rpartition("/")[2]
    for name in sorted(trial.namespaces.values()):
        for pod in sorted(trial.cluster.list(PODS, name), key=name_of):
            called = name_of(pod)[1]
            meant = not wanted or called == wanted or called.startswith(f"{wanted}-")
            if meant and not is_going(pod) and RESTORE_LABEL not in labels_of(pod) and _is_ready(pod):
                yield pod


def _is_ready(pod: Object) -> bool:
    return is_ready(pod, spec_of(pod)["containers"][0]["name"])


def _probe(trial: Trial) -> Iterable[str]:
    """Why the probe has failed, if it has."""
    try:
        wanted = probe.target(trial.test.probe)
        namespace, address = probe.find(wanted, trial.namespaces, trial.cluster)
    except (Invalid, NotFound) as error:
        return [str(error)]
    if not probe.make_pod(trial.job.name, namespace, trial.image, trial.cluster):
        _wait(trial, f"the pod {probe.POD}")
        return [f"the pod {probe.POD} has not started within {trial.patience}"]
    why = probe.ask(wanted, namespace, address, trial.cluster)
    if why and _waited(trial, "answer") <= TRIES:
        ledger.pulse(trial.store, trial.job)
        raise NotYet(f"the probe: {why}")
    return [why] if why else []


def _wait(trial: Trial, what: str) -> None:
    """Raises NotYet while there is patience left."""
    if _waited(trial, "pods") <= trial.patience:
        ledger.pulse(trial.store, trial.job)
        raise NotYet(f"waiting for {what}")


def _waited(trial: Trial, what: str) -> timedelta:
    began = ledger.create(trial.store, keys.stage_began(trial.job, "probed", what), Began(at=trial.now()))
    return trial.now() - began.at


def _unanswered(trial: Trial, why: str) -> Message:
    return Message(code=Code.CHECK_FAILED, text=f"the probe {trial.test.probe}: {why}", subject=trial.test.probe)


def _failed(result: HookResult) -> Message:
    where = f"{result.namespace}/{result.pod}"
    text = f"the check command failed in pod {where}, container {result.container}: {result.error}"
    return Message(code=Code.CHECK_FAILED, text=text, subject=where)
