"""restore.finalize: which workloads are waited for, and what the record tells."""

from typing import Any

import pytest

from schemas import events as e
from schemas.errors import NotYet
from schemas.kubernetes import DEPLOYMENTS, Object
from tests.support.objects import make
from tests.support.restores import CONSOLE, PATIENCE, Restoring, app, label

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
