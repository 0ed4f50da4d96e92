"""The plan of a restore, before anybody asks for it: what it says is what the restore then does."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.actions import foresight
from producers.cli.main import cli
from producers.views.job_views import RestoreView
from producers.views.restore_plan import expected
from producers.views.restore_plan.asked import Asked
from producers.views.restore_plan.plan import RestorePlanView, restore_plan
from schemas import keys
from schemas.errors import Invalid, TransientError
from schemas.kubernetes import CONFIG_MAPS, PODS, SECRETS, SERVICES, Discovery, Object
from schemas.records import Undeploy
from tests.support.front import Front
from tests.support.objects import claim, make, on_claim, opted_in, owner, pod
from tests.support.restores import AFTER, BEFORE, CONSOLE, Restoring, app, label
from workers.jobs import ledger

OLD = {"creationTimestamp": BEFORE.strftime("%Y-%m-%dT%H:%M:%SZ")}


def config(name: str, slug: str = "shop", **rest: Any) -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug), **rest)


def stateful(slug: str, image: str = "db:1") -> list[Object]:
    """An application with a pod on a claim."""
    spec = {"template": {"spec": {"containers": [{"name": "db", "image": image}]}}}
    db = make("StatefulSet", slug, CONSOLE, "apps/v1", labels=label(slug), spec=spec)
    data = claim(f"data-{slug}", CONSOLE, labels=label(slug))
    db_0 = pod(
        f"{slug}-0",
        CONSOLE,
        labels=label(slug),
        owners=[owner(db)],
        annotations=opted_in("data"),
        volumes={"data": on_claim(f"data-{slug}")},
    )
    return [db, db_0, data]


def plan_of(tmp: Path, restoring: Restoring, **asked: Any) -> RestorePlanView:
    front = Front(tmp, restoring.objects, cluster=restoring.cluster, console_namespace=CONSOLE)
    return restore_plan(front.session, Asked(**{"backup": "b", "app": "shop", **asked}), AFTER)


def titles(plan: RestorePlanView, *effects: Any) -> list[str]:
    return [each.title for each in plan.of(*effects)]


def shop(captured: list[Object], live: list[Object] | None = None, claims: bool = True) -> Restoring:
    return Restoring(captured, [app("shop")], live, claims=[(CONSOLE, "data-shop")] if claims else [])


def test_what_is_deleted_replaced_created_and_left_alone_is_told_apart(tmp_path: Path) -> None:
    job = make("Job", "done", CONSOLE, "batch/v1", labels=label("shop"), spec={}, metadata=OLD)
    done = {**job, "status": {"completionTime": "2026-11-23T00:00:00Z"}}
    captured = [*stateful("shop"), config("gone"), config("same", data={"a": "1"}), done]
    live = [*stateful("shop", "db:2"), config("same", data={"a": "1"}), config("newer"), done]
    plan = plan_of(tmp_path, shop(captured, live))
    assert titles(plan, "deleted") == ["ConfigMap console/newer"]
    assert titles(plan, "created") == ["ConfigMap console/gone"]
    assert titles(plan, "replaced") == [
        "ConfigMap console/same",
        "PersistentVolumeClaim console/data-shop",
        "StatefulSet console/shop",
    ]
    assert titles(plan, "remade") == ["Pod console/shop-0"]
    assert [(each.title, each.why) for each in plan.of("left") if each.kind == "Job"] == [
        ("Job console/done", "not restored: it had completed")
    ]
    assert [each.title for each in plan.differing] == ["StatefulSet console/shop"]
    assert ("-", "      - image: db:2") in plan.differing[0].lines
    assert ("+", "      - image: db:1") in plan.differing[0].lines


def test_the_restore_deletes_what_the_plan_said_and_nothing_else(tmp_path: Path) -> None:
    live = [*stateful("shop"), *stateful("blog"), config("newer"), config("blogs", "blog")]
    restoring = Restoring([*stateful("shop"), *stateful("blog")], [app("shop"), app("blog")], live)
    plan = plan_of(tmp_path, restoring, scope="applications")
    restoring.request(scope="applications", app="shop", safety_snapshot=True)
    restoring.prepare()
    deleted = ledger.read(restoring.store, keys.undeploy(restoring.job), Undeploy)
    said = {(each.namespace, each.name) for each in plan.of("deleted", "replaced", "remade")}
    assert {(ref.namespace, ref.name) for ref in deleted.objects} == said
    assert plan.secured == len(deleted.objects)


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    restoring = shop([*stateful("shop"), config("gone")], stateful("shop"))
    before = sorted(each.key for each in restoring.objects.list(""))
    plan_of(tmp_path, restoring)
    assert sorted(each.key for each in restoring.objects.list("")) == before
    assert [obj["metadata"]["name"] for obj in restoring.cluster.list(CONFIG_MAPS, CONSOLE)] == []


def test_what_came_after_the_backup_is_left_alone_if_asked_for(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"), [*stateful("shop"), config("newer")])
    assert titles(plan_of(tmp_path, restoring, keep_newer=True), "deleted") == []


def test_secrets_are_hidden_and_still_seen_to_differ(tmp_path: Path) -> None:
    def secret(value: str) -> Object:
        return make("Secret", "login", CONSOLE, labels=label("shop"), data={"password": value, "user": "c2hvcA=="})

    plan = plan_of(tmp_path, shop([secret("b2xk")], [secret("bmV3")], claims=False))
    [found] = plan.differing
    assert found.lines == (
        (" ", "apiVersion: v1"),
        (" ", "data:"),
        ("-", "  password: (hidden)"),
        ("+", "  password: (hidden, another value)"),
        (" ", "  user: (hidden)"),
        (" ", "kind: Secret"),
        (" ", "metadata:"),
    )


def test_a_value_that_is_called_a_password_is_hidden_anywhere(tmp_path: Path) -> None:
    def web(value: str) -> Object:
        container = {"name": "web", "env": [{"name": "DB_PASSWORD", "value": value}]}
        spec = {"template": {"spec": {"containers": [container]}}}
        return make("Deployment", "web", CONSOLE, "apps/v1", labels=label("shop"), spec=spec)

    plan = plan_of(tmp_path, shop([web("first-hunter2")], [web("second-hunter2")], claims=False))
    assert "hunter2" not in str(plan)
    assert plan.differing[0].lines


def test_volumes_have_their_sizes_and_what_becomes_of_them(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, shop(stateful("shop"), stateful("shop")))
    assert [(each.key, each.effect, each.bytes) for each in plan.volumes] == [("console/data-shop", "replaced", 1)]
    plan = plan_of(tmp_path, shop(stateful("shop"), []))
    assert [each.effect for each in plan.volumes] == ["created"]
    assert plan.secured == 0


def test_a_port_that_another_has_keeps_the_application_as_it_is(tmp_path: Path) -> None:
    def service(name: str, slug: str) -> Object:
        spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30443}]}
        applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec})}
        return make("Service", name, CONSOLE, labels=label(slug), annotations=applied, spec=spec)

    restoring = shop([service("web", "shop"), config("a")], [service("other", "blog"), config("a")], claims=False)
    plan = plan_of(tmp_path, restoring)
    [found] = plan.conflicts
    assert (found.owner, found.cause, found.refused) == ("shop", "port", True)
    assert found.why == "node port 30443 is taken by Service console/other"
    assert plan.impossible is not None
    assert not plan.of("deleted", "replaced", "created")
    assert len(list(restoring.cluster.list(SERVICES, CONSOLE))) == 1


def test_plans_of_the_same_have_the_same_mark_and_a_change_is_seen(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"), stateful("shop"))
    first = plan_of(tmp_path, restoring)
    assert plan_of(tmp_path, restoring).mark == first.mark
    assert plan_of(tmp_path, restoring, keep_newer=True).mark != first.mark
    restoring.cluster.create(CONFIG_MAPS, config("newer"))
    assert plan_of(tmp_path, restoring).mark != first.mark


def test_a_pod_that_its_controller_makes_anew_is_no_change_of_the_plan(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"), stateful("shop"))
    first = plan_of(tmp_path, restoring)
    extra = pod("shop-1", CONSOLE, labels=label("shop"), owners=[owner(stateful("shop")[0])])
    restoring.cluster.create(PODS, extra)
    assert plan_of(tmp_path, restoring).mark == first.mark


def test_elsewhere_nothing_is_deleted(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"), stateful("shop"))
    plan = plan_of(tmp_path, restoring, namespace_mapping={CONSOLE: "elsewhere"})
    assert titles(plan, "deleted", "replaced") == []
    assert "StatefulSet elsewhere/shop" in titles(plan, "created")
    assert [(each.key, each.effect) for each in plan.volumes] == [("elsewhere/data-shop", "created")]


@pytest.mark.parametrize("asked", [{"app": "nope"}, {"app": None, "scope": "console", "backup": "nope"}])
def test_what_the_gate_would_refuse_has_no_plan(tmp_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        plan_of(tmp_path, shop(stateful("shop")), **asked)


def test_secrets_of_what_is_deleted_do_not_stand_in_the_plan(tmp_path: Path) -> None:
    secret = make("Secret", "newer", CONSOLE, labels=label("shop"), data={"password": "aHVudGVyMg=="})
    restoring = shop(stateful("shop"), [*stateful("shop"), secret])
    plan = plan_of(tmp_path, restoring)
    assert titles(plan, "deleted") == ["Secret console/newer"]
    assert "aHVudGVyMg" not in repr(plan)
    assert list(restoring.cluster.list(SECRETS, CONSOLE))


def restored(seconds: float, **fields: Any) -> RestoreView:
    """A restore that has taken so long."""
    ended = AFTER + timedelta(seconds=seconds)
    given = {"name": "r", "status": "Completed", "destination": "default", "backup": "b", "scope": "applications"}
    return RestoreView(**{**given, "app": "shop", "requested_at": AFTER, "completed_at": ended, **fields})


def test_a_restore_takes_as_long_as_the_last_of_the_same_that_went_well() -> None:
    restores = [restored(999, status="Failed"), restored(60), restored(10, app="blog"), restored(5, test=True)]
    found = expected.restoring(restores, [], "applications", "shop", 1000)
    assert found == expected.Expected(timedelta(seconds=60), "restore", AFTER + timedelta(seconds=60))


def test_without_one_it_takes_as_long_as_its_volumes_at_the_rate_of_others() -> None:
    others = [restored(10, app="blog", bytes=1000), restored(10, app="blog", bytes=0)]
    assert expected.restoring(others, [], "applications", "shop", 500) == expected.Expected(
        timedelta(seconds=5), "rate"
    )
    assert expected.restoring(others, [], "applications", "shop", 0) is None
    assert expected.restoring([], [], "applications", "shop", 500) is None


def dry_run(tmp: Path, restoring: Restoring, options: str) -> dict[str, Any]:
    front = Front(tmp, restoring.objects, cluster=restoring.cluster, console_namespace=CONSOLE)
    words = ["restore", "--from-backup", "b", "--app", "shop", "--dry-run", *options.split(), "-o", "json"]
    done = CliRunner().invoke(cli, words, obj=front.session)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_dry_run_says_what_would_be_deleted(tmp_path: Path) -> None:
    restoring = shop([*stateful("shop"), config("gone")], [*stateful("shop"), config("newer")])
    found = dry_run(tmp_path, restoring, "")
    assert (found["deleted"], found["replaced"], found["created"]) == (["ConfigMap console/newer"], 2, 1)
    assert dry_run(tmp_path, restoring, "--keep-newer")["deleted"] == []


def test_a_dry_run_goes_by_the_namespaces_that_are_asked_for(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"), [*stateful("shop"), config("newer")])
    found = dry_run(tmp_path, restoring, f"--namespace-mapping {CONSOLE}:elsewhere")
    assert (found["deleted"], found["replaced"]) == ([], 0)


def test_a_dry_run_without_a_cluster_says_that_it_does_not_know(tmp_path: Path) -> None:
    restoring = shop(stateful("shop"))
    front = Front(tmp_path, restoring.objects, console_namespace=CONSOLE)
    front.cluster.discover = _away  # type: ignore[method-assign]
    found = foresight.restore(front.session, Asked("b", app="shop"))
    assert (found.deleted, found.unknown) == (None, "the API server does not answer")
    assert found.objects


def _away() -> Discovery:
    raise TransientError("the API server does not answer")
