"""Restore order."""

from schemas.kubernetes import Object
from tests.support.objects import claim, definition, make, pod, titles, volume
from workers.adapters.twins.types import BUILTIN
from workers.manifests.restore.order import ordered, waves

TYPES = [served.type for served in BUILTIN]
RBAC = "rbac.authorization.k8s.io/v1"


def every_kind() -> list[Object]:
    """In Velero's order, then custom resources, then webhooks."""
    return [
        definition("widgets", "Widget", "shop.example.com"),
        make("Namespace", "n"),
        make("StorageClass", "s", api="storage.k8s.io/v1"),
        volume("v"),
        claim("c"),
        make("ClusterRole", "cr", api=RBAC),
        make("Role", "r", "shop", RBAC),
        make("ServiceAccount", "sa", "shop"),
        make("ClusterRoleBinding", "crb", api=RBAC),
        make("RoleBinding", "rb", "shop", RBAC),
        make("Secret", "s", "shop"),
        make("ConfigMap", "c", "shop"),
        make("LimitRange", "l", "shop"),
        make("PriorityClass", "p", api="scheduling.k8s.io/v1"),
        pod("p"),
        make("ReplicaSet", "r", "shop", "apps/v1"),
        make("Endpoints", "e", "shop"),
        make("Service", "s", "shop"),
        make("CronJob", "c", "shop", "batch/v1"),
        make("DaemonSet", "d", "shop", "apps/v1"),
        make("Deployment", "d", "shop", "apps/v1"),
        make("Ingress", "i", "shop", "networking.k8s.io/v1"),
        make("Job", "j", "shop", "batch/v1"),
        make("StatefulSet", "s", "shop", "apps/v1"),
        make("Alert", "a", "shop", "monitoring.example.com/v1"),
        make("Widget", "w", "shop", "shop.example.com/v1"),
        make("MutatingWebhookConfiguration", "m", api="admissionregistration.k8s.io/v1"),
        make("ValidatingWebhookConfiguration", "v", api="admissionregistration.k8s.io/v1"),
    ]


def test_objects_come_in_veleros_order_with_custom_resources_and_webhooks_last() -> None:
    assert titles(ordered(reversed(every_kind()), TYPES)) == titles(every_kind())


def test_versions_do_not_matter() -> None:
    objects = [
        make("CronJob", "c", "shop", "batch/v1beta1"),
        make("CustomResourceDefinition", "x", api="apiextensions.k8s.io/v1beta1"),
    ]
    objects[1]["spec"] = {"group": "x", "names": {"kind": "X", "plural": "xs"}}
    assert titles(ordered(objects, TYPES)) == ["CustomResourceDefinition/x", "CronJob/c"]


def test_a_definition_in_a_kubernetes_group_makes_its_objects_custom_too() -> None:
    gateways = definition("gateways", "Gateway", "gateway.networking.k8s.io")
    gateway = make("Gateway", "g", "shop", "gateway.networking.k8s.io/v1")
    job = make("Job", "j", "shop", "batch/v1")
    assert titles(ordered([gateway, job, gateways], TYPES))[1:] == ["Job/j", "Gateway/g"]


def test_within_a_kind_the_order_of_the_backup_stays() -> None:
    pods = [pod(name) for name in ("db-1", "web", "db-0")]
    assert titles(ordered(pods, TYPES)) == ["Pod/db-1", "Pod/web", "Pod/db-0"]


def test_the_waves_part_what_pods_need_from_pods_and_the_rest() -> None:
    objects = every_kind()
    cut = waves(objects)
    assert titles(cut.before)[-1] == "PriorityClass/p"
    assert titles(cut.after)[0] == "Pod/p"
    assert cut.before + cut.after == objects
