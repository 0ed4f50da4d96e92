"""restore.finalize: which workloads are waited for, and what the record tells."""

from typing import Any

import pytest

from schemas import events as e
from schemas.application import to_secret
from schemas.errors import NotYet
from schemas.kubernetes import DEPLOYMENTS, PODS, Object
from schemas.messages import Message
from tests.support.objects import make, pod
from tests.support.restores import CONSOLE, PATIENCE, RESTORE, Restoring, app, label
from workers.adapters.twins.commands import Ended
from workers.jobs.results import give_up_owner

NEW = [make("Namespace", CONSOLE)]


def deployment(name: str, ready: int) -> Object:
    status = {"readyReplicas": ready}
    return make("Deployment", name, CONSOLE, "apps/v1", labels=label("shop"), spec={"replicas": 1}, status=status)


def applied(*captured: Object, **rest: Any) -> Restoring:
    restored = Restoring(list(captured), [app("shop")], **{"live": NEW, **rest})
    restored.request()
    restored.prepare()
    restored.undeploy()
    assert all(isinstance(said, e.RestoreApplied) for said in restored.apply())
    return restored


def hooked(name: str, slug: str) -> Object:
    load = {"post.hook.restore.velero.io/command": "load"}
    return pod(name, CONSOLE, uid=f"captured-{name}", labels=label(slug), annotations=load)


def start(restored: Restoring, *pods: str) -> None:
    """A kubelet starts them."""
    for name in pods:
        restored.cluster.patch(PODS, CONSOLE, name, {"spec": {"nodeName": "node-a"}})
        restored.cluster.patch(PODS, CONSOLE, name, {"status": {"phase": "Running"}}, status=True)


def test_workloads_that_were_ready_are_waited_for_and_at_last_named() -> None:
    restored = applied(deployment("web", 1))
    with pytest.raises(NotYet, match="web"):
        restored.finalize()
    restored.now += PATIENCE * 2
    restored.finalize()
    assert restored.final
    assert [str(warning) for warning in restored.final.warnings] == [
        f"not ready after {PATIENCE}: Deployment console/web: its controller has not seen it yet"
    ]


def test_a_workload_that_was_not_ready_when_it_was_backed_up_is_not_waited_for() -> None:
    restored = applied(deployment("web", 1), deployment("broken", 0))
    restored.cluster.patch(DEPLOYMENTS, CONSOLE, "web", {"status": {"readyReplicas": 1}}, status=True)
    for name in ("web", "broken"):
        restored.cluster.patch(DEPLOYMENTS, CONSOLE, name, {"status": {"observedGeneration": 1}}, status=True)
    [told] = restored.finalize()
    assert isinstance(told, e.RestoreCompleted)
    assert restored.final
    [warning] = restored.final.warnings
    assert str(warning).startswith("not ready, as it was not when it was backed up: Deployment console/broken")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"scope": "applications", "app": "blog"}, "PartiallyFailed"),
        ({"scope": "applications"}, "PartiallyFailed"),
        ({"scope": "full"}, "PartiallyFailed"),
        ({"scope": "applications", "app": "shop"}, "Completed"),
        ({"scope": "console"}, "Completed"),
    ],
)
def test_a_restore_of_an_application_of_which_the_backup_holds_nothing_is_not_completed(
    asked: dict[str, str], status: str
) -> None:
    """It has the registration of the application, and its namespace."""
    apps = [app("shop"), app("blog")]
    captured = [make("ConfigMap", "c", CONSOLE, labels=label("shop")), *(to_secret(each, CONSOLE) for each in apps)]
    restored = Restoring(captured, apps)
    restored.request(**asked)
    restored.prepare()
    restored.undeploy()
    restored.apply()
    restored.finalize()
    assert restored.final
    assert restored.final.status == status
    told = ["application blog: the backup holds nothing of it, so nothing of it is restored"]
    assert list(map(str, restored.final.errors)) == (told if status == "PartiallyFailed" else [])


@pytest.mark.parametrize("left", ["completed", "failed"])
def test_a_job_that_has_ended_does_not_run_again(left: str) -> None:
    statuses: dict[str, Any] = {
        "completed": {"completionTime": "2026-11-23T00:00:00Z"},
        "failed": {"conditions": [{"type": "Failed", "status": "True"}]},
    }
    job = make("Job", "migrate", CONSOLE, "batch/v1", labels=label("shop"), spec={}, status=statuses[left])
    restored = applied(job)
    types = {type_.kind: type_ for type_ in restored.cluster.discover().types}
    assert list(restored.cluster.list(types["Job"], CONSOLE)) == []


def test_the_hooks_of_restored_pods_are_waited_for_together_with_workloads_and_then_told() -> None:
    restored = applied(deployment("web", 1), hooked("db", "shop"))
    with pytest.raises(NotYet, match=r"(?s)console/db.*web"):
        restored.finalize()
    start(restored, "db")
    with pytest.raises(NotYet, match="web"):
        restored.finalize()
    assert restored.ran == ["db"]
    restored.now += PATIENCE * 2
    restored.finalize()
    assert restored.final
    assert [(result.pod, result.error) for result in restored.final.hooks] == [("db", "")]
    assert restored.ran == ["db"]


def test_a_hook_whose_pod_never_runs_is_an_error_of_the_restore() -> None:
    restored = applied(hooked("db", "shop"))
    restored.now += PATIENCE * 2
    [told] = restored.finalize()
    assert isinstance(told, e.RestorePartiallyFailed)
    assert restored.final
    assert ["its restore hook" in str(error) for error in restored.final.errors] == [True]


def test_a_hook_that_fails_is_an_error_of_the_restore() -> None:
    restored = applied(hooked("db", "shop"), answer=Ended(3))
    start(restored, "db")
    [told] = restored.finalize()
    assert isinstance(told, e.RestorePartiallyFailed)
    assert restored.final
    assert ["it ended with exit code 3" in str(error) for error in restored.final.errors] == [True]


def test_no_hook_is_run_of_an_application_that_was_given_up() -> None:
    restored = Restoring([hooked("db", "shop"), hooked("blog", "blog")], [app("shop"), app("blog")], live=NEW)
    restored.request()
    restored.prepare()
    restored.undeploy()
    restored.apply(*(owner for owner in restored.plan.owners if owner != "blog"))
    restored.cluster.create(PODS, hooked("blog", "blog"))
    start(restored, "db", "blog")
    assert restored.finalize() == []
    assert restored.ran == []
    give_up_owner(restored.store, RESTORE, "default", "blog", Message(code="X", text="no"), restored.now)
    [told] = restored.finalize()
    assert isinstance(told, e.RestorePartiallyFailed)
    assert restored.ran == ["db"]
