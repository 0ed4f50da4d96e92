"""What a restore deletes first, and what it never touches."""

from typing import Any

from schemas.kubernetes import Object
from schemas.records import LiveRef
from schemas.velero import LabelSelector
from tests.support.objects import claim, definition, make, on_claim, opted_in, owner, pod, volume
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.restore.undeploy import to_undeploy

SHOP = {"kots.io/app-slug": "shop"}
CONSOLE = {"kots.io/kotsadm": "true"}


def refs(live: list[Object], captured: list[Object] | None = None, **rest: Any) -> list[LiveRef]:
    return to_undeploy(MemoryCluster(live), live if captured is None else captured, "console", **rest)


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
        LiveRef(group_resource="configmaps", namespace="shop", name="c", uid="live-uid", phase=0)
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


def test_an_application_that_is_not_concerned_keeps_what_only_looks_alike() -> None:
    shared = config("shared", labels={"kots.io/app-slug": "blog"})
    later = config("later", labels={"kots.io/app-slug": "blog"})
    assert names([shared, later], [shared], owners={"shop"}) == ["configmaps/shared"]


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
    assert names(live) == ["pods/db", "persistentvolumeclaims/data"]
    assert names(live, claims=[("shop", "cache")]) == ["pods/db", "persistentvolumeclaims/cache"]
    assert names(live, claims=[]) == ["pods/db"]


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
