"""restore.prepare: what it decides before anything is deleted, and that it deletes no more than that."""

from typing import Any

from schemas import application, keys
from schemas import events as e
from schemas.errors import Code
from schemas.kubernetes import CLAIMS, CONFIG_MAPS, PODS, SECRETS, Object
from schemas.records import Undeploy, Undeployed
from tests.support.objects import VELERO, claim, make, on_claim, opted_in, owner, pod
from tests.support.restores import BEFORE, CONSOLE, RESTORE, Restoring, app, label
from workers.jobs import ledger

OLD = {"creationTimestamp": BEFORE.strftime("%Y-%m-%dT%H:%M:%SZ")}


def config(name: str, labels: dict[str, str], **rest: Any) -> Object:
    return make("ConfigMap", name, CONSOLE, labels=labels, **rest)


def stateful(slug: str) -> list[Object]:
    """An application with a pod on a claim."""
    db = make("StatefulSet", slug, CONSOLE, "apps/v1", labels=label(slug), spec={})
    data = claim(f"data-{slug}", CONSOLE, labels=label(slug))
    db_0 = pod(
        f"{slug}-0",
        CONSOLE,
        labels=label(slug),
        owners=[owner(db)],
        annotations=opted_in("data"),
        volumes={"data": on_claim(f"data-{slug}")},
    )
    return [db, db_0, data, config(slug, label(slug))]


CONSOLES = [config("kotsadm", {"kots.io/kotsadm": "true"})]
APPS = [app("shop"), app("blog")]
BOTH_CLAIMS = [(CONSOLE, "data-shop"), (CONSOLE, "data-blog")]


def two_in_one_namespace(live: list[Object] | None = None) -> Restoring:
    return Restoring([*CONSOLES, *stateful("shop"), *stateful("blog")], APPS, live, claims=BOTH_CLAIMS)


def test_one_application_is_replaced_and_its_neighbours_and_the_console_are_not() -> None:
    assert two_in_one_namespace().deletes(scope="applications", app="shop") == [
        "statefulsets.apps console/shop",
        "pods console/shop-0",
        "configmaps console/shop",
        "persistentvolumeclaims console/data-shop",
    ]


def test_a_neighbour_that_is_scaled_down_keeps_its_claim_and_it_is_not_filled() -> None:
    live = [obj for obj in (*CONSOLES, *stateful("shop"), *stateful("blog")) if obj["kind"] != "Pod"]
    restoring = two_in_one_namespace(live)
    assert not [name for name in restoring.deletes(scope="applications", app="shop") if "blog" in name]
    assert [volume.claim for volume in restoring.plan.volumes] == ["data-shop"]


def test_the_console_alone_is_replaced_without_what_lives_beside_it() -> None:
    assert two_in_one_namespace().deletes(scope="console") == ["configmaps console/kotsadm"]


def test_what_carries_only_veleros_label_beside_the_console_is_the_applications() -> None:
    objects = [*CONSOLES, config("unlabelled", VELERO)]
    assert Restoring(objects, [app("shop")]).deletes(scope="console") == ["configmaps console/kotsadm"]
    assert Restoring(objects, [app("shop")]).deletes(scope="applications", app="shop") == [
        "configmaps console/unlabelled"
    ]


def test_what_may_be_anothers_is_left_alone_by_the_restore_of_one_but_not_of_all() -> None:
    objects = [*CONSOLES, config("whose", VELERO)]
    assert Restoring(objects, APPS).deletes(scope="applications", app="shop") == []
    assert Restoring(objects, APPS).deletes(scope="applications") == ["configmaps console/whose"]


def test_what_the_backups_filters_left_out_survives() -> None:
    secret = make("Secret", "password", CONSOLE, labels=label("shop"), metadata=OLD)
    newer = make("Secret", "newer", CONSOLE, labels=label("shop"))
    shop = app("shop", "{excludedResources: [secrets]}")
    restoring = Restoring([*stateful("shop"), secret], [shop], [*stateful("shop"), secret, newer], of="shop")
    assert not [name for name in restoring.deletes(scope="applications", app="shop") if "secret" in name]
    restoring.undeploy()
    assert len(list(restoring.cluster.list(SECRETS, CONSOLE))) == 2


def test_a_job_that_had_completed_stays_since_it_would_not_come_back() -> None:
    job = make("Job", "migrate", CONSOLE, "batch/v1", labels=label("shop"), metadata=OLD, spec={})
    done = {**job, "status": {"completionTime": "2026-11-23T00:00:00Z"}}
    assert Restoring([done], [app("shop")]).deletes() == []


def test_what_came_after_the_backup_goes_and_is_told_before_it_does() -> None:
    cron = make("CronJob", "newer", CONSOLE, "batch/v1", labels=label("shop"), spec={})
    restoring = Restoring(stateful("shop"), [app("shop")], [*stateful("shop"), cron])
    restoring.request()
    told, *_ = restoring.prepare()
    assert isinstance(told, e.RestorePlanned)
    assert told.newer == ["cronjobs.batch console/newer"]
    assert (told.replaced, told.objects) == (4, 5)
    assert restoring.cluster.get(CONFIG_MAPS, CONSOLE, "shop"), "nothing is touched yet"
    assert [warning.code for warning in restoring.plan.warnings] == [Code.NEWER]


def test_what_came_after_the_backup_stays_if_asked_for_and_is_told() -> None:
    cron = make("CronJob", "newer", CONSOLE, "batch/v1", labels=label("shop"), spec={})
    restoring = Restoring(stateful("shop"), [app("shop")], [*stateful("shop"), cron])
    assert "cronjobs.batch console/newer" not in restoring.deletes(keep_newer=True)
    [warning] = restoring.plan.warnings
    assert str(warning) == "CronJob console/newer: left alone, though it came after the backup"


def test_a_claim_under_a_workload_that_stays_is_neither_deleted_nor_filled_and_that_is_an_error() -> None:
    web = make("Deployment", "web", CONSOLE, "apps/v1", spec={})
    labelled = pod("web-x", CONSOLE, labels=label("shop"), owners=[owner(web)], volumes={"data": on_claim("data")})
    restoring = Restoring(
        [labelled, claim("data", CONSOLE)], [app("shop")], [web, labelled, claim("data", CONSOLE)], [(CONSOLE, "data")]
    )
    restoring.request()
    told, *_ = restoring.prepare()
    assert isinstance(told, e.RestorePlanned)
    assert [str(left) for left in told.left_alone] == [str(error) for error in restoring.plan.errors]
    assert "Deployment console/web" in str(told.left_alone[0])
    assert restoring.plan.volumes == []
    restoring.undeploy()
    assert restoring.cluster.get(CLAIMS, CONSOLE, "data")


def test_a_plan_is_made_once_and_then_carried_out() -> None:
    restoring = two_in_one_namespace()
    restoring.request(scope="applications", app="shop")
    restoring.prepare()
    late = pod("late", CONSOLE, labels=label("shop"))
    restoring.cluster.create(PODS, late)
    again, *asked = restoring.prepare()
    assert isinstance(again, e.RestorePlanned)
    assert again.replaced == 4
    assert asked == [e.RestoreUndeployRequested(restore="r", owner=owner) for owner in ("_", "shop")]
    told = restoring.undeploy()
    assert told == [e.RestorePrepared(restore="r", owner=owner) for owner in ("_", "shop")]
    assert ledger.read(restoring.store, keys.undeployed(RESTORE, "shop"), Undeployed)
    assert [obj["metadata"]["name"] for obj in restoring.cluster.list(PODS, CONSOLE)] == ["blog-0", "late"]
    assert restoring.undeploy() == told


def test_what_was_made_anew_meanwhile_is_not_deleted() -> None:
    restoring = two_in_one_namespace()
    restoring.request(scope="applications", app="shop")
    restoring.prepare()
    restoring.cluster.delete(CONFIG_MAPS, CONSOLE, "shop")
    restoring.cluster.create(CONFIG_MAPS, config("shop", label("shop")))
    restoring.undeploy()
    assert restoring.cluster.get(CONFIG_MAPS, CONSOLE, "shop")


def test_a_restore_of_a_backup_that_is_gone_fails_before_anything_is_touched() -> None:
    restoring = two_in_one_namespace()
    restoring.request(backup="other")
    [told] = restoring.prepare()
    assert isinstance(told, e.RestoreFailed)
    assert ledger.find(restoring.store, keys.undeploy(RESTORE), Undeploy) is None
    assert len(list(restoring.cluster.list(PODS, CONSOLE))) == 2


def test_an_application_that_stays_registered_otherwise_is_told_by_name() -> None:
    shop = app("shop").model_copy(update={"version": "1.0", "sequence": 5, "license": "old"})
    then = application.to_secret(shop, CONSOLE)
    newer = shop.model_copy(update={"version": "2.0", "sequence": 7, "license": "new"})
    live = [*stateful("shop"), application.to_secret(newer, CONSOLE)]
    restoring = Restoring([*stateful("shop"), then], [shop], live)
    assert not [name for name in restoring.deletes(scope="applications", app="shop") if "secret" in name]
    [warning] = restoring.plan.warnings
    assert str(warning) == (
        "application shop stays registered with version 2.0 (sequence 7), while 1.0 (sequence 5) was restored, "
        "another license than it had; register it anew if that is wrong"
    )
