"""What a restore deletes first, and what it never touches."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.errors import Code, Denied
from schemas.kubernetes import CLAIMS, PODS, SECRETS, Object, ResourceType
from schemas.records import Coverage, LiveRef, Undeploy
from schemas.velero import LabelSelector
from tests.support.objects import claim, definition, make, on_claim, opted_in, owner, pod, volume
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.restore.undeploy import Chosen, Concern, to_undeploy
from workers.manifests.restore.undeploy.delete import delete_in_phases, release

SHOP = {"kots.io/app-slug": "shop"}
CONSOLE = {"kots.io/kotsadm": "true"}


BACKUP_AT = datetime(2026, 11, 24, tzinfo=UTC)
LATER = {"creationTimestamp": "2026-11-25T00:00:00Z"}
EARLIER = {"creationTimestamp": "2026-11-23T00:00:00Z"}


def choose(live: list[Object], captured: list[Object] | None = None, **rest: Any) -> Chosen:
    """What a restore of all `captured` chooses from `live`, which is newer than the backup where it says nothing else.
    By default it concerns those whom labels name, and the backup covers the namespaces of `captured`."""
    returning = live if captured is None else captured
    slugs = {obj["metadata"].get("labels", {}).get("kots.io/app-slug") for obj in returning} - {None}
    console = any(obj["metadata"].get("labels", {}).get("kots.io/kotsadm") for obj in returning)
    owners = rest.pop("owners", {*slugs, *({"console"} if console else ())})
    places = sorted({obj["metadata"].get("namespace", "") for obj in returning} - {""})
    covers = [Coverage(owner=slug, namespaces=places) for slug in owners - {"console"}]
    covers.append(Coverage(owner="console", namespaces=["console"]))
    given = {"refilled": (), "since": BACKUP_AT, "covers": covers, **rest}
    cluster = MemoryCluster(live, clock=lambda: BACKUP_AT + timedelta(days=1))
    return to_undeploy(cluster, Concern(returning, owners, **given))


def refs(live: list[Object], captured: list[Object] | None = None, **rest: Any) -> list[LiveRef]:
    return choose(live, captured, **rest).deleted


def names(live: list[Object], captured: list[Object] | None = None, **rest: Any) -> list[str]:
    return [f"{ref.group_resource}/{ref.name}" for ref in refs(live, captured, **rest)]


def config(name: str = "c", namespace: str = "shop", labels: dict[str, str] | None = None, **rest: Any) -> Object:
    return make("ConfigMap", name, namespace, labels=SHOP if labels is None else labels, **rest)


def workload(kind: str, name: str, **rest: Any) -> Object:
    api = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return make(kind, name, "shop", api, labels=SHOP, spec={}, **rest)


def test_live_objects_of_the_backup_are_replaced_by_uid() -> None:
    live = config(uid="live-uid")
    assert refs([live], [config(uid="old-uid")]) == [
        LiveRef(group_resource="configmaps", namespace="shop", name="c", uid="live-uid", phase=0, owner="shop")
    ]


def test_what_is_not_there_needs_no_deletion() -> None:
    assert names([], [config()]) == []


def test_brought_along_objects_without_a_label_are_replaced_too() -> None:
    assert names([config(labels={})]) == ["configmaps/c"]


def test_what_came_after_the_backup_goes_too_but_not_its_claims() -> None:
    later = [config("later"), workload("Deployment", "later"), claim("later", labels=SHOP), config("other", labels={})]
    assert names([config(), *later], [config()]) == ["deployments.apps/later", "configmaps/c", "configmaps/later"]


def test_the_annotation_counts_like_the_label() -> None:
    later = config("later", labels={}, annotations=SHOP)
    assert "configmaps/later" in names([config(), later], [config()])


def test_other_namespaces_and_other_applications_are_left_alone() -> None:
    others = [config("far", "elsewhere"), config("blog", labels={"kots.io/app-slug": "blog"})]
    assert names([config(), *others], [config()]) == ["configmaps/c"]


def test_an_application_that_is_not_concerned_keeps_what_carries_its_label() -> None:
    shared = config("shared", labels={"kots.io/app-slug": "blog"})
    later = config("later", labels={"kots.io/app-slug": "blog"})
    assert names([shared, later, config()], [shared, config()], owners={"shop"}) == ["configmaps/c"]


def test_of_a_partial_backup_what_its_selector_does_not_match_stays() -> None:
    front = config("front", labels=SHOP | {"tier": "front"})
    back = config("back", labels=SHOP | {"tier": "back"})
    selector = LabelSelector(match_labels={"tier": "back"})
    assert names([config(), front, back], [config()], selector=selector) == ["configmaps/back", "configmaps/c"]


def test_only_claims_that_are_refilled_go() -> None:
    db = pod(
        "db", labels=SHOP, annotations=opted_in("data"), volumes={"data": on_claim("data"), "cache": on_claim("cache")}
    )
    live = [db, claim("data"), claim("cache")]
    assert names(live, refilled=[("shop", "data")]) == ["pods/db", "persistentvolumeclaims/data"]
    assert names(live, refilled=[("shop", "cache")]) == ["pods/db", "persistentvolumeclaims/cache"]
    assert names(live) == ["pods/db"]


def test_what_others_depend_on_is_never_deleted() -> None:
    data = claim("data", labels=SHOP)
    kept = [
        make("Namespace", "shop", labels=SHOP),
        definition("widgets", "Widget", "x.example.com", labels=SHOP),
        volume("pv", data, labels=SHOP),
        make("StorageClass", "fast", api="storage.k8s.io/v1", labels=SHOP),
        make("ServiceAccount", "default", "shop", labels=SHOP),
        make("ConfigMap", "kube-root-ca.crt", "shop", labels=SHOP),
    ]
    assert names([*kept, config()]) == ["configmaps/c"]


def test_what_asks_to_be_left_alone_is() -> None:
    kept = [
        config("excluded", labels=SHOP | {"velero.io/exclude-from-backup": "true"}),
        config("kept", annotations={"kots.io/keep": "true"}),
    ]
    assert names([*kept, config()], [config("excluded"), config("kept"), config()]) == ["configmaps/c"]


def test_registrations_the_destination_and_snaplines_workers_are_never_deleted() -> None:
    own = [
        make("Secret", "r", "console", labels=CONSOLE | {"snapline.dev/application": "shop"}),
        make(
            "Secret",
            "snapline-destination-default",
            "console",
            labels=CONSOLE | {"snapline.dev/destination": "default"},
        ),
        make(
            "Deployment",
            "snapline",
            "console",
            "apps/v1",
            labels=CONSOLE | {"app.kubernetes.io/part-of": "snapline"},
            spec={},
        ),
    ]
    assert names([*own, config("kotsadm", "console", CONSOLE)]) == ["configmaps/kotsadm"]


def test_the_console_is_cleared_in_its_own_namespace_when_it_is_restored() -> None:
    live = [config("a", "console", CONSOLE), config("new", "console", CONSOLE), config("new", "shop", CONSOLE)]
    found = refs(live, live[:1])
    assert [(ref.namespace, ref.name) for ref in found] == [("console", "a"), ("console", "new")]


def test_restoring_an_application_does_not_touch_the_console() -> None:
    console = config("kotsadm", "console", CONSOLE)
    mine = config("mine", "console", SHOP)
    assert names([console, mine], [mine]) == ["configmaps/mine"]


def test_cluster_wide_objects_go_only_if_they_are_in_the_backup_and_labelled() -> None:
    api = "rbac.authorization.k8s.io/v1"
    ours = make("ClusterRole", "ours", api=api, labels=SHOP)
    later = make("ClusterRole", "later", api=api, labels=SHOP)
    shared = make("ClusterRole", "shared", api=api)
    builtin = make("ClusterRole", "view", api=api, labels={"kubernetes.io/bootstrapping": "rbac-defaults"} | SHOP)
    found = names([ours, later, shared, builtin, config()], [ours, shared, builtin, config()])
    assert found == ["configmaps/c", "clusterroles.rbac.authorization.k8s.io/ours"]


def test_what_the_doomed_own_is_waited_for() -> None:
    web = workload("Deployment", "web")
    replicas = make("ReplicaSet", "web-1", "shop", "apps/v1", owners=[owner(web)], spec={})
    child = pod("web-1-x", owners=[owner(replicas)])
    assert names([child, replicas, web], [web]) == ["deployments.apps/web", "replicasets.apps/web-1", "pods/web-1-x"]


def test_what_a_controller_that_stays_would_make_again_stays() -> None:
    operator = make("Deployment", "foreign", "shop", "apps/v1", spec={})
    child = pod("child", labels=SHOP, owners=[owner(operator)])
    assert names([operator, child], [child]) == []


def test_an_orphan_whose_controller_is_gone_goes() -> None:
    child = pod("child", labels=SHOP, owners=[owner(workload("ReplicaSet", "gone"))])
    assert names([child], [child]) == ["pods/child"]


def test_custom_resources_go_in_a_phase_before_their_operators_and_controllers_before_their_pods() -> None:
    widgets = definition("widgets", "Widget", "x.example.com")
    widget = make("Widget", "w", "shop", "x.example.com/v1", labels=SHOP)
    live = [
        pod("p", labels=SHOP),
        config(),
        workload("StatefulSet", "db"),
        workload("CronJob", "tick"),
        widget,
        widgets,
    ]
    found = [(ref.phase, ref.group_resource) for ref in refs(live)]
    assert found == [
        (0, "widgets.x.example.com"),
        (1, "cronjobs.batch"),
        (1, "statefulsets.apps"),
        (1, "pods"),
        (1, "configmaps"),
    ]


def test_the_vendors_deletion_phases_come_first_to_last() -> None:
    def phased(name: str, phase: str) -> Object:
        return config(name, annotations={"kots.io/deletion-phase": phase})

    live = [phased("late", "5"), phased("early", "-1"), config("middle"), phased("typo", "soon")]
    assert [(ref.phase, ref.name) for ref in refs(live)] == [(0, "early"), (1, "middle"), (1, "typo"), (2, "late")]


# --- what came after the backup


def test_only_what_was_made_after_the_backup_and_is_of_a_covered_kind_and_place_is_newer() -> None:
    covers = [Coverage(owner="shop", namespaces=["shop", "jobs"], excluded_namespaces=["tmp"], kinds=["configmaps"])]
    live = [
        config("later", metadata=LATER),
        config("earlier", metadata=EARLIER),
        config("beside", "jobs", metadata=LATER),
        config("outside", "tmp", metadata=LATER),
        make("Secret", "left-out", "shop", labels=SHOP, metadata=LATER),
    ]
    found = refs([config(), *live], [config()], covers=covers)
    assert {(ref.name, ref.why) for ref in found} == {("c", "replaced"), ("later", "newer"), ("beside", "newer")}


def test_what_is_newer_stays_where_somebody_wants_it_kept_and_is_told() -> None:
    later = [workload("CronJob", "later", metadata=LATER), config("later", metadata=LATER)]
    chosen = choose([config(), *later], [config()], keep_newer=True)
    assert [ref.name for ref in chosen.deleted] == ["c"]
    assert sorted(chosen.newer) == ["ConfigMap shop/later", "CronJob shop/later"]


def test_of_a_kind_that_the_backup_could_not_read_nothing_is_newer() -> None:
    """It was deleted, and the backup, which lacked all StatefulSets, could not bring it back (seed 1057)."""
    covers = [Coverage(owner="shop", namespaces=["shop"], kinds=["configmaps", "pods"])]
    later = make("StatefulSet", "db", "shop", "apps/v1", labels=SHOP, metadata=LATER)
    assert names([config(), later], [config()], covers=covers) == ["configmaps/c"]


def test_nothing_is_newer_than_a_backup_that_does_not_say_what_it_covers() -> None:
    assert names([config(), config("later", metadata=LATER)], [config()], covers=()) == ["configmaps/c"]


# --- other applications, and what would not come back


def two_applications() -> tuple[list[Object], list[Object]]:
    """The shop and the blog in one namespace, each with a claim that is in the backup."""
    mine = [pod("db", labels=SHOP, volumes={"d": on_claim("db")}), claim("db", labels=SHOP)]
    blog = {"kots.io/app-slug": "blog"}
    theirs = [pod("posts", labels=blog, volumes={"d": on_claim("posts")}), claim("posts", labels=blog)]
    return mine, theirs


def test_a_neighbours_claims_stay_running_or_scaled_down() -> None:
    mine, theirs = two_applications()
    both = [("shop", "db"), ("shop", "posts")]
    for neighbour in (theirs, theirs[1:]):
        chosen = choose([*mine, *neighbour], mine, owners={"shop"}, refilled=both)
        assert [ref.name for ref in chosen.deleted] == ["db", "db"]
        assert "belongs to blog" in str(chosen.kept_claims["shop", "posts"])


def test_a_claim_that_others_own_as_well_is_neither_deleted_nor_filled() -> None:
    shared = claim("shared")
    chosen = choose([config(), shared], [config()], refilled=[("shop", "shared")])
    assert [ref.name for ref in chosen.deleted] == ["c"]
    assert chosen.kept_claims["shop", "shared"].code == Code.VOLUME_NOT_RESTORED


def test_what_the_backup_left_out_stays_though_it_carries_the_label() -> None:
    secret = make("Secret", "password", "shop", labels=SHOP, metadata=EARLIER)
    assert names([config(), secret], [config()]) == ["configmaps/c"]


def test_a_claim_stays_under_a_workload_that_stays() -> None:
    web = make("Deployment", "web", "shop", "apps/v1", spec={})
    replicas = make("ReplicaSet", "web-1", "shop", "apps/v1", owners=[owner(web)], spec={})
    labelled = pod("web-1-x", labels=SHOP, owners=[owner(replicas)], volumes={"d": on_claim("data")})
    chosen = choose([web, replicas, labelled, claim("data")], [labelled, claim("data")], refilled=[("shop", "data")])
    assert chosen.deleted == []
    told = chosen.kept_claims["shop", "data"]
    assert told.code == Code.VOLUME_NOT_RESTORED
    assert "Deployment shop/web" in str(told)


def test_a_claim_stays_under_an_operators_custom_resource_that_is_not_in_the_backup() -> None:
    widget = make("Widget", "w", "shop", "x.example.com/v1")
    db = workload("StatefulSet", "db", owners=[owner(widget)])
    db_0 = pod("db-0", labels=SHOP, owners=[owner(db)], volumes={"d": on_claim("data")})
    live = [definition("widgets", "Widget", "x.example.com"), widget, db, db_0, claim("data")]
    chosen = choose(live, [db, db_0, claim("data")], refilled=[("shop", "data")])
    assert chosen.deleted == []
    assert "Widget shop/w" in str(chosen.kept_claims["shop", "data"])


@pytest.mark.parametrize(
    "mark", [{"annotations": {"kots.io/keep": "true"}}, {"labels": {"velero.io/exclude-from-backup": "true"}}]
)
def test_a_claim_that_asks_to_be_kept_is_and_that_is_no_error(mark: dict[str, Any]) -> None:
    data = claim("data", **mark)
    chosen = choose([config(), data], [config(), data], refilled=[("shop", "data")])
    assert [ref.name for ref in chosen.deleted] == ["c"]
    assert chosen.kept_claims["shop", "data"].code == Code.LEFT_ALONE


def test_pods_that_have_ended_and_an_earlier_restores_helpers_do_not_hold_a_claim_back() -> None:
    job = workload("Job", "migrate", metadata=EARLIER)
    ended = pod("migrate-x", phase="Succeeded", owners=[owner(job)], volumes={"d": on_claim("data")})
    helper = pod("helper", labels={"snapline.dev/restore": "r0"}, volumes={"d": on_claim("data")})
    other = pod("other", phase="Succeeded", volumes={"d": on_claim("other")})
    live = [job, ended, helper, other, claim("data")]
    assert names(live, [claim("data", labels=SHOP)], refilled=[("shop", "data")]) == [
        "pods/helper",
        "pods/migrate-x",
        "persistentvolumeclaims/data",
    ]


# --- what hangs on what is deleted


def postgres() -> list[Object]:
    """A custom resource with all that its operator makes of it."""
    widget = make("Widget", "pg", "shop", "x.example.com/v1", labels=SHOP)
    owned: dict[str, Any] = {"owners": [owner(widget)]}
    db = make("StatefulSet", "pg", "shop", "apps/v1", spec={}, **owned)
    return [
        definition("widgets", "Widget", "x.example.com"),
        widget,
        db,
        pod("pg-0", owners=[owner(db)], volumes={"d": on_claim("pg")}),
        make("Secret", "pg", "shop", **owned),
        claim("pg", **owned),
    ]


def test_what_a_custom_resource_owns_goes_with_it_but_a_claim_that_is_not_filled_again_is_let_go_of() -> None:
    live = postgres()
    chosen = choose(live, [live[1]])
    assert [(ref.group_resource, ref.why) for ref in chosen.deleted] == [
        ("widgets.x.example.com", "replaced"),
        ("statefulsets.apps", "dependent"),
        ("pods", "dependent"),
        ("secrets", "dependent"),
    ]
    assert [ref.group_resource for ref in chosen.released] == ["persistentvolumeclaims"]


def test_a_dependent_of_a_kind_that_the_backup_leaves_out_stays_and_workloads_never_do() -> None:
    live = postgres()
    covers = [Coverage(owner="shop", namespaces=["shop"], kinds=["widgets.x.example.com", "persistentvolumeclaims"])]
    chosen = choose(live, [live[1]], covers=covers, refilled=[("shop", "pg")])
    assert {ref.group_resource for ref in chosen.released} == {"secrets", "persistentvolumeclaims"}
    assert [ref.name for ref in chosen.deleted] == ["pg", "pg", "pg-0"]


def test_released_objects_lose_the_owners_that_go_and_live() -> None:
    live = postgres()
    other = make("ConfigMap", "other", "shop")
    live[4]["metadata"]["ownerReferences"] = [owner(live[1]), owner(other)]
    chosen = choose([*live, other], [live[1]])
    assert "secrets" not in {ref.group_resource for ref in (*chosen.deleted, *chosen.released)}
    cluster = MemoryCluster([*live, other])
    fixed = Undeploy(objects=chosen.deleted, released=chosen.released)
    release(fixed.released, fixed, cluster)
    release(fixed.released, fixed, cluster)
    assert not cluster.get(CLAIMS, "shop", "pg")["metadata"].get("ownerReferences")
    assert len(cluster.get(SECRETS, "shop", "pg")["metadata"]["ownerReferences"]) == 2
    assert delete_in_phases(fixed.objects, cluster) == []
    assert cluster.get(CLAIMS, "shop", "pg")


def test_an_object_with_another_owner_that_stays_is_not_collected() -> None:
    widget = make("Widget", "pg", "shop", "x.example.com/v1", labels=SHOP)
    shared = make("ConfigMap", "shared", "shop", owners=[owner(widget), owner(config("stays", labels={}))])
    live = [definition("widgets", "Widget", "x.example.com"), widget, shared, config("stays", labels={})]
    assert names(live, [widget]) == ["widgets.x.example.com/pg"]


# --- phases


def test_claims_are_the_last_phase_and_pods_come_with_their_controllers() -> None:
    late = {"annotations": {"kots.io/deletion-phase": "5"}}
    db = workload("StatefulSet", "db", **late)
    db_0 = pod("db-0", labels=SHOP, owners=[owner(db)], volumes={"d": on_claim("data")})
    early = claim("data", labels=SHOP, annotations={"kots.io/deletion-phase": "-3"})
    found = refs([db, db_0, early, config()], refilled=[("shop", "data")])
    assert [(ref.phase, ref.name) for ref in found] == [(0, "c"), (1, "db"), (1, "db-0"), (2, "data")]


# --- what cannot be read


class Refusing(MemoryCluster):
    """An API server that does not let pods be listed."""

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        if type_ == PODS:
            raise Denied("may not list pods")
        return super().list(type_, namespace, selector)


def test_where_pods_cannot_be_read_no_claim_is_deleted() -> None:
    data = claim("data", labels=SHOP)
    cluster = Refusing([config(), data])
    chosen = to_undeploy(cluster, Concern([config(), data], {"shop"}, [("shop", "data")], BACKUP_AT))
    assert [ref.name for ref in chosen.deleted] == ["c"]
    assert chosen.kept_claims["shop", "data"].code == Code.VOLUME_NOT_RESTORED
    assert chosen.unread == ["pods"]


def test_a_claim_that_belongs_to_others_is_kept_though_nothing_else_is_replaced_in_its_namespace() -> None:
    chosen = choose([config(), claim("data", "far")], [config()], refilled=[("far", "data")])
    assert list(chosen.kept_claims) == [("far", "data")]
    assert "belongs to others" in str(chosen.kept_claims["far", "data"])
