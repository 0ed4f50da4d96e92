"""Capturing from a live cluster: what is taken, what comes along, what never does."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.errors import Code, Denied, TransientError
from schemas.kubernetes import Discovery, Object, ResourceType
from schemas.velero import BackupSpec, LabelSelector
from tests.support.objects import (
    VELERO,
    claim,
    definition,
    make,
    on_claim,
    opted_in,
    owner,
    pod,
    titles,
    volume,
)
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.types import VERBS
from workers.manifests.capture.document import CONSOLE, Captured
from workers.manifests.capture.resource_filter import ResourceFilter
from workers.manifests.capture.scope import Selection, scope_of
from workers.manifests.capture.select import capture

SHOP = {"kots.io/app-slug": "shop"}
RBAC = "rbac.authorization.k8s.io/v1"


def selection(**changes: object) -> Selection:
    given = {"owner": "shop", "namespaces": ("shop",), "selectors": (LabelSelector(match_labels=SHOP),), **changes}
    return Selection(**given)  # type: ignore[arg-type]


def take(objects: list[Object], *selections: Selection) -> Captured:
    return capture(MemoryCluster(objects), selections or (selection(),))


def taken(objects: list[Object], *selections: Selection) -> list[str]:
    return titles(take(objects, *selections).objects)


def config(name: str = "web", namespace: str = "shop", labels: dict[str, str] | None = None, **rest: Any) -> Object:
    return make("ConfigMap", name, namespace, labels=SHOP if labels is None else labels, **rest)


def test_only_what_is_labelled_in_the_namespaces_is_taken_with_its_namespace() -> None:
    objects = [config(), config("other", labels={}), config("far", "elsewhere")]
    assert taken(objects) == ["ConfigMap/web", "Namespace/shop"]


def test_objects_are_as_they_are_served_status_included() -> None:
    web = pod("web", labels=SHOP)
    captured = take([web])
    assert captured.objects[0]["status"] == {"phase": "Running"}
    assert captured.objects[0]["metadata"]["resourceVersion"]


def test_a_pod_brings_its_unlabelled_claims_and_their_volumes() -> None:
    data = claim("data-db-0", volume="pv-1")
    db = pod("db-0", labels=SHOP, volumes={"data": on_claim("data-db-0")})
    assert taken([db, data, volume("pv-1", data), claim("other")]) == [
        "Pod/db-0",
        "PersistentVolumeClaim/data-db-0",
        "PersistentVolume/pv-1",
        "Namespace/shop",
    ]


def test_an_unbound_claim_brings_no_volume() -> None:
    data = claim("data", volume="pv-1", labels=SHOP)
    data["status"]["phase"] = "Lost"
    assert "PersistentVolume/pv-1" not in taken([data, volume("pv-1")])


def test_a_pod_brings_its_priority_class() -> None:
    high = make("PriorityClass", "high", api="scheduling.k8s.io/v1", value=7)
    web = pod("web", labels=SHOP, spec={"priorityClassName": "high"})
    assert "PriorityClass/high" in taken([high, web])


def test_a_service_account_brings_its_bindings_and_their_roles() -> None:
    def binding(kind: str, name: str, role: str, role_kind: str, namespace: str | None, account: str) -> Object:
        subject = {"kind": "ServiceAccount", "name": account, "namespace": "shop"}
        return make(kind, name, namespace, RBAC, subjects=[subject], roleRef={"kind": role_kind, "name": role})

    objects = [
        make("ServiceAccount", "web", "shop", labels=SHOP),
        binding("RoleBinding", "reads", "reader", "Role", "shop", "web"),
        binding("RoleBinding", "views", "views-all", "ClusterRole", "shop", "web"),
        binding("ClusterRoleBinding", "rules", "ruler", "ClusterRole", None, "web"),
        binding("ClusterRoleBinding", "others", "other", "ClusterRole", None, "somebody"),
        make("Role", "reader", "shop", RBAC),
        *(make("ClusterRole", name, api=RBAC) for name in ("views-all", "ruler", "other")),
    ]
    assert sorted(taken(objects)) == [
        "ClusterRole/ruler",
        "ClusterRole/views-all",
        "ClusterRoleBinding/rules",
        "Namespace/shop",
        "Role/reader",
        "RoleBinding/reads",
        "RoleBinding/views",
        "ServiceAccount/web",
    ]


def test_roles_that_every_api_server_makes_do_not_come_along() -> None:
    objects = [
        make("RoleBinding", "views", "shop", RBAC, labels=SHOP, roleRef={"kind": "ClusterRole", "name": "view"}),
        make("ClusterRole", "view", api=RBAC, labels={"kubernetes.io/bootstrapping": "rbac-defaults"}),
    ]
    assert "ClusterRole/view" not in taken(objects)


def test_a_custom_resource_brings_its_definition() -> None:
    widgets = definition("widgets", "Widget", "shop.example.com")
    gadgets = definition("gadgets", "Gadget", "shop.example.com")
    widget = make("Widget", "left", "shop", "shop.example.com/v1", labels=SHOP)
    found = taken([widgets, gadgets, widget])
    assert "CustomResourceDefinition/widgets.shop.example.com" in found
    assert "CustomResourceDefinition/gadgets.shop.example.com" not in found


def test_what_helm_installed_brings_the_records_of_its_release() -> None:
    by_helm = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}

    def release(name: str, of: str) -> Object:
        return make("Secret", name, "shop", labels={"owner": "helm", "name": of}, type="helm.sh/release.v1")

    objects = [config(annotations=by_helm), release("sh.helm.release.v1.web.v1", "web"), release("other", "blog")]
    assert taken(objects) == ["ConfigMap/web", "Namespace/shop", "Secret/sh.helm.release.v1.web.v1"]


def test_what_asks_to_be_excluded_is_never_taken_nor_brought_along() -> None:
    out = {"velero.io/exclude-from-backup": "true"}
    db = pod("db", labels=SHOP, volumes={"data": on_claim("data")})
    assert taken([config(labels=SHOP | out), db, claim("data", labels=out)]) == ["Pod/db", "Namespace/shop"]
    assert "ConfigMap/web" in taken([config(labels=SHOP | {"velero.io/exclude-from-backup": "false"})])


def test_an_excluded_namespace_closes_all_that_is_in_it() -> None:
    shut = make("Namespace", "shop", labels={"velero.io/exclude-from-backup": "true"})
    assert taken([shut, config()]) == []


@pytest.mark.parametrize(
    "obj",
    [
        make("Event", "e", "shop", labels=SHOP),
        make("Node", "n", labels=SHOP),
        make("Lease", "l", "shop", "coordination.k8s.io/v1", labels=SHOP),
        make("CSINode", "n", api="storage.k8s.io/v1", labels=SHOP),
        make("VolumeAttachment", "a", api="storage.k8s.io/v1", labels=SHOP),
        make(
            "EndpointSlice",
            "s",
            "shop",
            "discovery.k8s.io/v1",
            labels=SHOP | {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
        ),
        make("Pod", "helper", "shop", labels=SHOP | {"snapline.dev/restore": "r1"}, spec={}),
        make("Pod", "shut", "shop", labels=SHOP, spec={}, status={"phase": "Failed", "reason": "Shutdown"}),
        make("Secret", "snapline-destination-default", "shop", labels=SHOP | {"snapline.dev/destination": "default"}),
        make("ConfigMap", "kube-root-ca.crt", "shop", labels=SHOP),
    ],
    ids=lambda obj: obj["kind"],
)
def test_state_of_the_cluster_and_snaplines_own_tools_are_never_taken(obj: Object) -> None:
    assert take([obj]).objects == []


def test_a_full_snapshot_takes_what_is_set_up_of_which_nobody_is_a_contributor() -> None:
    kept = [
        make("Secret", "snapline-destination-nas", "console", labels={"snapline.dev/destination": "nas"}),
        make("Secret", "snapline-notification-team", "console", labels={"snapline.dev/notification": "team"}),
    ]
    captured = capture(MemoryCluster([*kept, config()]), scope_of("console", [], None))
    assert [title for title in titles(captured.objects) if title.startswith("Secret")] == [
        "Secret/snapline-destination-nas",
        "Secret/snapline-notification-team",
    ]
    assert captured.contributors == set()


def test_endpoints_are_taken_only_where_somebody_wrote_them() -> None:
    def service(name: str, **spec: object) -> Object:
        return make("Service", name, "shop", labels=SHOP, spec=spec)

    generated = make("Endpoints", "web", "shop", labels=SHOP)
    written = make("Endpoints", "mainframe", "shop", labels=SHOP)
    found = taken([service("web", selector={"app": "web"}), generated, service("mainframe"), written])
    assert "Endpoints/mainframe" in found
    assert "Endpoints/web" not in found


@pytest.mark.parametrize("by", [None, "staff", "submariner-controller.example.com"])
def test_slices_of_endpoints_that_no_controller_of_kubernetes_made_are_taken(by: str | None) -> None:
    labels = SHOP | ({"endpointslice.kubernetes.io/managed-by": by} if by else {})
    assert "EndpointSlice/s" in taken([make("EndpointSlice", "s", "shop", "discovery.k8s.io/v1", labels=labels)])


def test_what_is_being_deleted_is_left_out_with_a_warning() -> None:
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    captured = take([config(metadata=going)])
    assert captured.objects == []
    assert [str(each) for each in captured.warnings] == [
        "ConfigMap shop/web is being deleted, and is not in the backup"
    ]
    assert captured.errors == []


def test_data_that_only_a_pod_on_its_way_out_mounts_is_an_error() -> None:
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    old = pod("old", labels=SHOP, annotations=opted_in("data"), volumes={"data": on_claim("data")}, metadata=going)
    new = pod("new", labels=SHOP, volumes={"data": on_claim("data")})
    assert "volume data" in str(take([old, claim("data")]).errors[0])
    assert take([old, new, claim("data")]).errors == []


def test_each_object_is_taken_once_and_belongs_to_all_that_took_it() -> None:
    both = selection(owner="blog", labels_win=False), selection(labels_win=False)
    captured = take([config()], *both)
    assert titles(captured.objects) == ["ConfigMap/web", "Namespace/shop"]
    assert captured.owners_of(captured.objects[0]) == ["blog", "shop"]


def test_a_kind_that_two_groups_serve_is_taken_from_the_newer_one() -> None:
    class Cohabiting(MemoryCluster):
        OLD = ResourceType("extensions", "v1beta1", "Ingress", "ingresses", True, VERBS)

        def discover(self) -> Discovery:
            return Discovery([self.OLD, *super().discover().types])

        def list(
            self, type_: ResourceType, namespace: str | None = None, selector: str | None = None
        ) -> Iterator[Object]:
            if type_ != self.OLD:
                yield from super().list(type_, namespace, selector)
                return
            for ingress in super().list(
                ResourceType("networking.k8s.io", "v1", "Ingress", "ingresses", True), namespace
            ):
                yield ingress | {"apiVersion": "extensions/v1beta1"}

    ingress = make("Ingress", "web", "shop", "networking.k8s.io/v1", labels=SHOP)
    captured = capture(Cohabiting([ingress]), [selection()])
    assert [obj["apiVersion"] for obj in captured.objects] == ["v1", "networking.k8s.io/v1"]


def test_labels_say_to_whom_an_object_belongs_before_who_selected_it() -> None:
    full = (
        selection(owner=CONSOLE, selectors=(LabelSelector(match_labels={"kots.io/kotsadm": "true"}),)),
        selection(selectors=(LabelSelector(match_labels=VELERO),)),
    )
    console = config("console", labels=VELERO | {"kots.io/kotsadm": "true"})
    other = config("other", labels=VELERO | {"kots.io/app-slug": "blog"})
    plain = config("plain", labels=VELERO)
    captured = take([console, other, plain], *full)
    owners = {obj["metadata"]["name"]: captured.owners_of(obj) for obj in captured.objects}
    assert owners == {
        "console": ["console"],
        "other": ["blog"],
        "plain": ["shop"],
        "shop": ["blog", "console", "shop"],
    }


def test_what_is_brought_along_belongs_to_whom_it_is_brought_for() -> None:
    db = pod("db", labels=VELERO | {"kots.io/kotsadm": "true"}, volumes={"data": on_claim("data")})
    captured = take([db, claim("data")], selection(selectors=(LabelSelector(match_labels=VELERO),)))
    assert {tuple(captured.owners_of(obj)) for obj in captured.objects} == {("console",)}


def test_a_named_namespace_is_taken_though_empty_and_an_error_if_missing() -> None:
    captured = take([make("Namespace", "shop")], selection(named=("shop", "gone"), namespaces=("shop", "gone")))
    assert titles(captured.objects) == ["Namespace/shop"]
    assert len(captured.errors) == 1
    assert captured.errors[0].text.startswith("namespace gone, where shop should be, is not there")


def test_cluster_wide_objects_follow_the_cluster_switch() -> None:
    role = make("ClusterRole", "ruler", api=RBAC, labels=SHOP)
    everywhere = {"namespaces": ("*",)}
    assert "ClusterRole/ruler" in taken([role], selection())
    assert "ClusterRole/ruler" not in taken([role], selection(cluster_resources=False))
    assert "ClusterRole/ruler" not in taken([role], selection(cluster_resources=None))
    assert "ClusterRole/ruler" in taken([role], selection(cluster_resources=None, **everywhere))


def test_without_cluster_objects_a_claim_brings_no_volume_and_with_the_default_it_does() -> None:
    data = claim("data", volume="pv-1", labels=SHOP)
    objects = [data, volume("pv-1", data)]
    assert taken(objects, selection(cluster_resources=False)) == ["PersistentVolumeClaim/data", "Namespace/shop"]
    assert "PersistentVolume/pv-1" in taken(objects, selection(cluster_resources=None))


def test_resource_lists_hold_for_what_is_brought_along_too() -> None:
    db = pod("db", labels=SHOP, volumes={"data": on_claim("data")})
    objects = [db, claim("data"), config()]
    only_pods = ResourceFilter(included=frozenset({"pods"}))
    no_claims = ResourceFilter(excluded=frozenset({"persistentvolumeclaims"}))
    assert taken(objects, selection(resources=only_pods)) == ["Pod/db", "Namespace/shop"]
    assert taken(objects, selection(resources=no_claims)) == ["Pod/db", "ConfigMap/web", "Namespace/shop"]


@pytest.mark.parametrize(
    "name", ["pvc", "persistentvolumeclaim", "PersistentVolumeClaims", "persistentvolumeclaims.v1"]
)
def test_lists_take_every_name_of_a_kind_that_kubectl_takes(name: str) -> None:
    objects = [claim("data", labels=SHOP), config()]
    included = ResourceFilter.of(BackupSpec(included_resources=[name]))
    excluded = ResourceFilter.of(BackupSpec(excluded_resources=[name]))
    assert taken(objects, selection(resources=included)) == ["PersistentVolumeClaim/data", "Namespace/shop"]
    assert taken(objects, selection(resources=excluded)) == ["ConfigMap/web", "Namespace/shop"]


@pytest.mark.parametrize(
    "name", ["deploy", "deployment", "Deployment", "deployments.apps", "deploy.apps", "deployments.v1.apps"]
)
def test_lists_take_names_with_their_group_too(name: str) -> None:
    objects = [make("Deployment", "web", "shop", "apps/v1", labels=SHOP, spec={}), config()]
    included = ResourceFilter.of(BackupSpec(included_namespace_scoped_resources=[f" {name}"]))
    captured = take(objects, selection(resources=included, ordered_resources={name: "shop/web"}))
    assert titles(captured.objects) == ["Namespace/shop", "Deployment/web"]
    assert captured.warnings == []


def test_all_kinds_of_one_scope_may_be_excluded() -> None:
    role = make("ClusterRole", "ruler", api=RBAC, labels=SHOP)
    no_cluster = ResourceFilter.of(BackupSpec(excluded_cluster_scoped_resources=["*"]))
    assert taken([role, config()], selection(resources=no_cluster)) == ["ConfigMap/web", "Namespace/shop"]


def test_names_that_are_no_kind_are_told_with_what_may_be_meant() -> None:
    wrong = BackupSpec(included_resources=["configmaps", "secret s", "deployment.app"], excluded_resources=["zzz"])
    captured = take([config()], selection(resources=ResourceFilter.of(wrong), ordered_resources={"podz": "shop/x"}))
    assert [(each.code, each.subject) for each in captured.warnings] == [
        (Code.NO_SUCH_KIND, name) for name in ("deployment.app", "podz", "secret s", "zzz")
    ]
    assert "is 'deployment.apps' meant?" in captured.warnings[0].text


def test_the_order_is_pods_claims_volumes_core_and_the_rest_and_named_objects_come_first() -> None:
    web = make("Deployment", "web", "shop", "apps/v1", labels=SHOP, spec={})
    objects = [web, config("b"), config("a"), pod("x", labels=SHOP), pod("y", labels=SHOP), claim("data", labels=SHOP)]
    ordered = selection(ordered_resources={"pods": " shop/y , shop/none", "configmaps": "shop/b"})
    assert taken(objects, ordered) == [
        "Pod/y",
        "Pod/x",
        "PersistentVolumeClaim/data",
        "ConfigMap/b",
        "ConfigMap/a",
        "Namespace/shop",
        "Deployment/web",
    ]


def test_owned_objects_are_taken_like_any_other() -> None:
    controller = make("ReplicaSet", "web-1", "shop", "apps/v1", spec={})
    assert "Pod/web-1-x" in taken([controller, pod("web-1-x", labels=SHOP, owners=[owner(controller)])])


class Refusing(MemoryCluster):
    """A cluster that answers one kind with an error."""

    error: Exception

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        if type_.plural == "secrets":
            raise self.error
        return super().list(type_, namespace, selector)


def test_a_kind_that_may_not_be_listed_is_an_error_and_the_rest_is_taken() -> None:
    cluster = Refusing([config()])
    cluster.error = Denied("no rights")
    captured = capture(cluster, [selection(namespaces=("shop", "console"))])
    assert "ConfigMap/web" in titles(captured.objects)
    assert [str(each) for each in captured.errors] == ["secrets could not be read, so none is in the backup: no rights"]


def test_what_could_not_be_read_is_not_covered() -> None:
    """Else a restore would take what it finds of it for newer than the backup, and delete it."""
    at_home = selection(home=True)
    assert [cover.kinds for cover in take([config()], at_home).covers] == [["*"]]
    cluster = Refusing([config()])
    cluster.error = Denied("no rights")
    [cover] = capture(cluster, [at_home]).covers
    assert cover.covers("shop", "configmaps")
    assert not cover.covers("shop", "secrets")


def test_a_group_whose_kinds_nobody_knows_is_not_covered() -> None:
    class Hiding(MemoryCluster):
        def discover(self) -> Discovery:
            types = [each for each in super().discover().types if each.group != "apps"]
            return Discovery(types, unreadable={"apps": "its server is away"})

    [cover] = capture(Hiding([config()]), [selection(home=True)]).covers
    assert cover.covers("shop", "configmaps")
    assert not cover.covers("shop", "deployments.apps")


def test_a_cluster_that_is_away_is_tried_again_as_a_whole() -> None:
    cluster = Refusing([config()])
    cluster.error = TransientError("away")
    with pytest.raises(TransientError):
        capture(cluster, [selection()])


def test_kinds_that_could_not_be_restored_are_not_looked_at() -> None:
    class WithMetrics(MemoryCluster):
        def discover(self) -> Discovery:
            read_only = frozenset({"get", "list"})
            metrics = ResourceType("metrics.k8s.io", "v1", "PodMetrics", "pods", True, read_only)
            return Discovery([*super().discover().types, metrics])

        def list(
            self, type_: ResourceType, namespace: str | None = None, selector: str | None = None
        ) -> Iterator[Object]:
            assert type_.group != "metrics.k8s.io"
            return super().list(type_, namespace, selector)

    assert capture(WithMetrics([config()]), [selection()]).errors == []


def test_each_kind_is_listed_once_per_namespace_however_many_selections() -> None:
    class Counting(MemoryCluster):
        asked: list[tuple[str, str | None]]

        def list(
            self, type_: ResourceType, namespace: str | None = None, selector: str | None = None
        ) -> Iterator[Object]:
            self.asked.append((type_.group_resource, namespace))
            return super().list(type_, namespace, selector)

    cluster = Counting([config()])
    cluster.asked = []
    capture(cluster, [selection(), selection(owner="blog", namespaces=("shop", "blog"))])
    assert len(cluster.asked) == len(set(cluster.asked))
