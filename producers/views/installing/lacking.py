"""What a cluster lacks for an installation: each finding says what was looked at, and how it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from producers.installing import render
from producers.installing.options import Options
from schemas.errors import Denied, Invalid, NotFound, SnaplineError
from schemas.kubernetes import NAMESPACES, NODES, STORAGE_CLASSES, Discovery, Object, ResourceType
from workers.ports import Cluster

OLDEST = (1, 20)
REVIEWS = ResourceType(
    "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)
INGRESS_CLASSES = ResourceType("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
State = Literal["ok", "lacking", "unknown"]
Lack = Literal[
    "version",
    "node",
    "kind",
    "keda",
    "monitoring",
    "operator",
    "budgets",
    "rights",
    "class",
    "ingress-class",
    "kubelet",
    "namespace",
]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `lack` is what kind of thing is lacking, for those who know what to do about it;
    `subject` what to use instead, if that is known."""

    what: str
    state: State
    said: str
    lack: Lack | None = None
    subject: str = ""


OF_KIND: dict[str, Lack] = {
    "ScaledObject": "keda",
    "TriggerAuthentication": "keda",
    "RabbitmqCluster": "operator",
    "PodMonitor": "monitoring",
    "PodDisruptionBudget": "budgets",
}
KUBELETS = {
    "microk8s.io/cluster": "/var/snap/microk8s/common/var/lib/kubelet/pods",
    "node.k0sproject.io/role": "/var/lib/k0s/kubelet/pods",
}
"""Label of nodes of a distribution -> where its kubelet keeps pods."""


def look(cluster: Cluster, options: Options) -> Iterator[Finding]:
    """Everything that can be asked of the API server, one after the other; nothing is changed. What it does not answer
    is unknown. Raises as the cluster if nobody answers at all."""
    found = cluster.discover()
    wanted = render.objects(options)
    nodes = _asked(lambda: list(cluster.list(NODES)))
    yield from _versions(nodes)
    yield from _kinds(wanted, found)
    yield from _rights(cluster, wanted, found)
    yield from _storage(cluster, options)
    yield from _ingress(cluster, options)
    yield from _kubelets(nodes, options)
    yield from _namespaces(cluster, options)
    yield _network()


def _asked(question: Callable[[], list[Object]]) -> list[Object] | SnaplineError:
    """The answer, or why there is none."""
    try:
        return question()
    except (Denied, Invalid, NotFound) as error:
        return error


def _versions(nodes: list[Object] | SnaplineError) -> Iterator[Finding]:
    what = "Kubernetes 1.20 or later"
    if isinstance(nodes, SnaplineError):
        yield Finding(what, "unknown", str(nodes))
        return
    said = {node["metadata"]["name"]: _version(node) for node in nodes}
    old = [f"{name} has {version}" for name, version in said.items() if _parsed(version) < OLDEST]
    state: State = "lacking" if old or not said else "ok"
    shown = ", ".join(old or sorted(set(said.values()))) or "there is no node"
    yield Finding(what, state, shown, None if state == "ok" else "version" if old else "node")


def _version(node: Object) -> str:
    return str(node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "no version"))


def _parsed(version: str) -> tuple[int, int]:
    """`v1.20.2`, `v1.31.4-eks-1`; nothing that is no version is too old."""
    numbers = version.removeprefix("v").split(".")[:2]
    return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 and all(n.isdecimal() for n in numbers) else OLDEST


def _kinds(wanted: Iterable[Object], found: Discovery) -> Iterator[Finding]:
    there = {(each.api_version, each.kind) for each in (*found.types, *found.others)}
    needed = dict.fromkeys((str(obj["apiVersion"]), str(obj["kind"])) for obj in wanted)
    if there.issuperset(needed):
        yield Finding("kinds of objects", "ok", f"all {len(needed)}")
    for version, kind in needed.keys() - there:
        group = version.rpartition("/")[0]
        if group in found.unreadable:
            yield Finding(f"{version} {kind}", "unknown", found.unreadable[group])
        else:
            yield Finding(f"{version} {kind}", "lacking", "the server has no such kind", OF_KIND.get(kind, "kind"))


def _rights(cluster: Cluster, wanted: Iterable[Object], found: Discovery) -> Iterator[Finding]:
    """Whether who asks may create all of it. Who may not do everything may give nobody rights on everything."""
    plural = {(each.api_version, each.kind): each for each in (*found.types, *found.others)}
    asked = dict.fromkeys(
        (plural[key], str(obj["metadata"].get("namespace", "")))
        for obj in wanted
        if (key := (str(obj["apiVersion"]), str(obj["kind"]))) in plural
    )
    refused, unknown = [], []
    for type_, namespace in asked:
        try:
            if not _may(cluster, "create", type_.group, type_.plural, namespace):
                refused.append(f"{type_.group_resource}{f' in {namespace}' if namespace else ''}")
        except SnaplineError as error:
            unknown.append(str(error))
            break
    if unknown:
        yield Finding("rights to create it", "unknown", unknown[0])
        return
    said = f"not allowed: {', '.join(refused)}" if refused else "all allowed"
    yield _right("rights to create it", not refused, said)
    binds = any(_may(cluster, *asked_, "") for asked_ in _GIVING)
    said = "allowed" if binds else "you may not give rights that you have not"
    yield _right("rights to give these rights", binds, said)


_GIVING = (("*", "*", "*"), ("escalate", "rbac.authorization.k8s.io", "clusterroles"))


def _right(what: str, has: bool, said: str) -> Finding:
    return Finding(what, "ok", said) if has else Finding(what, "lacking", said, "rights")


def _may(cluster: Cluster, verb: str, group: str, resource: str, namespace: str) -> bool:
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    asked = {
        "apiVersion": REVIEWS.api_version,
        "kind": REVIEWS.kind,
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    return bool(cluster.create(REVIEWS, asked).get("status", {}).get("allowed"))


def _storage(cluster: Cluster, options: Options) -> Iterator[Finding]:
    if options.broker == "external":
        return
    what = f"StorageClass {options.storage_class}" if options.storage_class else "default StorageClass"
    classes = _asked(lambda: list(cluster.list(STORAGE_CLASSES)))
    if isinstance(classes, SnaplineError):
        yield Finding(what, "unknown", str(classes))
        return
    names = [each["metadata"]["name"] for each in classes]
    default = [
        each["metadata"]["name"]
        for each in classes
        if (each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    good = [name for name in names if name == options.storage_class] if options.storage_class else default
    said = good[0] if good else f"there is {', '.join(names) or 'none'}"
    yield Finding(what, "ok" if good else "lacking", said, None if good else "class")


def _ingress(cluster: Cluster, options: Options) -> Iterator[Finding]:
    if not options.ingress_host or not options.ingress_class:
        return
    classes = _asked(lambda: list(cluster.list(INGRESS_CLASSES)))
    what = f"IngressClass {options.ingress_class}"
    if isinstance(classes, SnaplineError):
        yield Finding(what, "unknown", str(classes))
        return
    names = [each["metadata"]["name"] for each in classes]
    good = options.ingress_class in names
    said = "there" if good else f"there is {', '.join(names) or 'none'}"
    yield Finding(what, "ok" if good else "lacking", said, None if good else "ingress-class")


def _kubelets(nodes: list[Object] | SnaplineError, options: Options) -> Iterator[Finding]:
    """The API server does not tell it; distributions that have it elsewhere are known by their labels."""
    what, labels = f"kubelet's pods in {options.kubelet_pods}", set[str]()
    for node in [] if isinstance(nodes, SnaplineError) else nodes:
        labels |= (node["metadata"].get("labels") or {}).keys()
    elsewhere = sorted({path for label, path in KUBELETS.items() if label in labels} - {options.kubelet_pods})
    if elsewhere:
        yield Finding(what, "lacking", f"here they are in {elsewhere[0]}", "kubelet", elsewhere[0])
        return
    said = "the API server does not say; where it is not, pods of the DaemonSet do not start"
    yield Finding(what, "unknown", said)


def _namespaces(cluster: Cluster, options: Options) -> Iterator[Finding]:
    """Applications' namespaces must be there: roles go into them."""
    for name in options.namespaces:
        try:
            cluster.get(NAMESPACES, None, name)
        except NotFound:
            yield Finding(f"namespace {name}", "lacking", "there is none", "namespace", name)
        except (Denied, Invalid) as error:
            yield Finding(f"namespace {name}", "unknown", str(error))


def _network() -> Finding:
    said = "the API server takes them; whether the network enforces them, it cannot say"
    return Finding("NetworkPolicies", "unknown", said)
