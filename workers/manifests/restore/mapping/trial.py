"""What a test restore leaves out and changes, so that it gets at nobody: neither at what it is a copy of, nor at users.

Left out are what is cluster-wide (definitions, webhooks, roles, volumes: claims get new ones), what brings traffic in
from outside under names that are taken, and what Snapline keeps. Services stay inside of the cluster, CronJobs rest.
All carry the label by which neither a backup nor a restore of the application ever takes them for its own.
"""

from schemas import application, schedule
from schemas.kubernetes import Object
from schemas.records import RestoreTest
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import EXCLUDE, NAMESPACE, SERVICE, Kind, kind_of, labels_of, name_of
from workers.manifests.kube.own import SET_UP

LABEL = "snapline.dev/test-restore"
"""Label of the namespaces of a test restore, with its name."""
POLICY: Kind = ("networking.k8s.io", "NetworkPolicy")
INGRESSES: tuple[Kind, ...] = (
    ("networking.k8s.io", "Ingress"),
    ("extensions", "Ingress"),
    ("route.openshift.io", "Route"),
)
GATEWAYS = frozenset({"gateway.networking.k8s.io", "networking.istio.io"})
SNAPLINES = (application.LABEL, schedule.LABEL, *SET_UP)
CRON_JOB: Kind = ("batch", "CronJob")
OUTWARD = ("LoadBalancer", "NodePort")
OUTWARD_FIELDS = (
    "allocateLoadBalancerNodePorts",
    "externalIPs",
    "externalTrafficPolicy",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
)
NOT_COPIED = ("kots.io/", "kubernetes.io/metadata.name")
"""Labels of a namespace that say whose it is."""


def is_restored(obj: Object, test: RestoreTest) -> bool:
    """Whether the captured object is a part of the test."""
    kind = kind_of(obj)
    if kind == NAMESPACE:
        return True
    if not name_of(obj)[0] or kind in INGRESSES or kind[0] in GATEWAYS:
        return False
    if kind == POLICY and not test.open_network:
        return False  # one is made that lets nobody out; others would add to it
    return not any(label in labels_of(obj) for label in SNAPLINES)


def tame(obj: Object, restore: str) -> None:
    """Changes the object so that it gets at nobody."""
    metadata, kind, spec = obj["metadata"], kind_of(obj), obj.get("spec") or {}
    metadata["labels"] = {**labels_of(obj), EXCLUDE: "true"}
    if kind == NAMESPACE:
        kept = {key: value for key, value in labels_of(obj).items() if not key.startswith(NOT_COPIED)}
        metadata["labels"] = {**kept, LABEL: label_value(restore)}
    elif kind == SERVICE:
        for field in OUTWARD_FIELDS:
            spec.pop(field, None)
        if spec.get("type") in OUTWARD:
            spec["type"] = "ClusterIP"
    elif kind == CRON_JOB:
        spec["suspend"] = True


def namespace(name: str, restore: str) -> Object:
    """A namespace that the backup does not hold."""
    made: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    tame(made, restore)
    return made


def policy(name: str, restore: str) -> Object:
    """Lets the pods of the namespace talk to each other, and ask the cluster's DNS, and nothing else."""
    own = [{"namespaceSelector": {"matchLabels": {LABEL: label_value(restore)}}}]
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "snapline-test-restore", "namespace": name, "labels": {EXCLUDE: "true"}},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": own}],
            "egress": [{"to": own}, {"ports": dns}],
        },
    }
