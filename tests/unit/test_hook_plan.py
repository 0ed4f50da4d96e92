"""Hooks in a backup's plan: with the pods whose volumes are copied, or on their own."""

from schemas.records import PodPlan
from schemas.velero import Hooks
from tests.support.objects import claim, on_claim, opted_in, pod, volume
from workers.hooks.plan import Planned, plan_hooks
from workers.manifests.capture.volume_plan import plan_volumes

FREEZE = {"pre.hook.backup.velero.io/command": "freeze"}


def _plan(*objects: dict[str, object], hooks: Hooks | None = None) -> Planned:
    return plan_hooks(objects, (hooks or Hooks()).resources, plan_volumes(list(objects), False).pods)


def _hooked(planned: Planned) -> dict[str, list[str]]:
    assert {pod.key for pod in planned.pods if pod.hooks} == set(planned.hooks)
    return {pod: [hook.pod for hook in hooks.pre] for pod, hooks in planned.hooks.items()}


def test_hooks_go_with_the_pods_that_are_copied() -> None:
    data = claim("data")
    db = pod("db", volumes={"data": on_claim("data")}, annotations={**opted_in("data"), **FREEZE})
    planned = _plan(db, data, volume("pv-data", of=data))
    assert _hooked(planned) == {"shop/db": ["db"]}
    assert [each.name for each in planned.pods[0].volumes] == ["data"]


def test_a_pod_with_hooks_alone_gets_a_place_without_volumes() -> None:
    planned = _plan(pod("db", annotations=FREEZE), pod("web"))
    assert _hooked(planned) == {"shop/db": ["db"]}
    assert (planned.pods[0].volumes, planned.pods[0].node) == ([], "node-a")


def test_a_pod_with_hooks_that_does_not_run_is_an_error() -> None:
    planned = _plan(pod("db", phase="Pending", annotations=FREEZE), pod("web", phase="Pending"))
    assert planned.pods == []
    assert [str(error) for error in planned.errors] == [
        "Pod shop/db: its hooks were not run: it is Pending, not Running; back up again when it runs"
    ]


def test_hooks_of_a_pod_whose_claim_is_copied_with_another_go_around_that_copy() -> None:
    files = claim("files")
    both = [pod(n, volumes={"f": on_claim("files")}, annotations={**opted_in("f"), **FREEZE}) for n in ("a", "b")]
    assert _hooked(_plan(*both, files, volume("pv-files", of=files))) == {"shop/a": ["a", "b"]}


def test_a_pod_that_also_has_volumes_of_its_own_keeps_its_hooks_and_that_is_told() -> None:
    files, own = claim("files"), claim("own")
    a = pod("a", volumes={"f": on_claim("files")}, annotations={**opted_in("f"), **FREEZE})
    b = pod("b", volumes={"f": on_claim("files"), "o": on_claim("own")}, annotations={**opted_in("f", "o"), **FREEZE})
    planned = _plan(a, b, files, own, volume("pv-files", of=files), volume("pv-own", of=own))
    assert _hooked(planned) == {"shop/a": ["a"], "shop/b": ["b"]}
    assert ["is copied with that pod" in str(warning) for warning in planned.warnings] == [True]


def test_hooks_of_the_backup_that_match_no_pod_are_told() -> None:
    hooks = Hooks.model_validate(
        {"resources": [{"name": "fsfreeze", "includedNamespaces": ["shpo"], "pre": [{"exec": {"command": ["a"]}}]}]}
    )
    [warning] = _plan(pod("db"), hooks=hooks).warnings
    assert str(warning).startswith("the Backup's hooks fsfreeze match no pod")


def test_a_plan_from_before_hooks_can_be_read() -> None:
    plan = PodPlan(namespace="shop", name="db", uid="u", node="n", volumes=[])
    read = PodPlan.model_validate_json(plan.model_dump_json(exclude={"hooks"}))
    assert read == plan
