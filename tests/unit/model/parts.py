"""What applications are made of: objects by kind of part, with labels and annotations that are drawn."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.kubernetes import Object
from tests.support.objects import claim, definition, make, on_claim, opted_in, owner

Kind = Literal["config", "secret", "pod", "web", "set", "widget", "account", "loose"]
KINDS: tuple[Kind, ...] = ("config", "secret", "pod", "web", "set", "widget", "account", "loose")
GROUP = "x.example.com"
EXCLUDED = {"velero.io/exclude-from-backup": "true"}
FINALIZER = "example.com/never"
KEPT = {"kots.io/keep": "true"}


@dataclass(frozen=True)
class Part:
    """One part. `labels` are on its main objects, `bare` leaves them off what hangs on these (claims, children)."""

    kind: Kind
    name: str
    namespace: str
    labels: dict[str, str]
    bare: bool = False
    kept: bool = False
    copied: bool = True
    """Whether its volumes opt in."""
    inside: bool = False
    """Whether its pods also have a volume of their own (emptyDir)."""
    stuck: bool = False
    """Whether a finalizer that nobody takes off is on it."""
    text: str = "1"


def drawn_parts(chance: random.Random, slug: str, namespaces: list[str], count: int) -> list[Part]:
    """Some parts of an application (or of the console), named after their number."""
    return [_drawn(chance, slug, chance.choice(namespaces), number) for number in range(count)]


def _drawn(chance: random.Random, slug: str, namespace: str, number: int) -> Part:
    kind = chance.choice(KINDS)
    return Part(
        kind,
        f"{slug}-{number}-{kind}",
        namespace,
        _labels(chance, slug),
        bare=chance.random() < 0.5,
        kept=chance.random() < 0.15,
        copied=chance.random() < 0.7,
        inside=chance.random() < 0.5,
        stuck=chance.random() < 0.05,
    )


def _labels(chance: random.Random, slug: str) -> dict[str, str]:
    mine = {"kots.io/kotsadm": "true"} if slug == "console" else {"kots.io/app-slug": slug}
    marked = {"kots.io/backup": "velero"}
    whose = chance.choice([mine, mine, mine, {**mine, **marked}, {**mine, **marked}, marked, {}])
    tier = chance.choice([{}, {}, {"tier": "a"}, {"tier": "b"}, {"team": "red"}])
    left_out = EXCLUDED if chance.random() < 0.1 else {}
    return whose | tier | left_out


def definition_of_widgets() -> Object:
    """Of the custom resource."""
    return _fresh(definition("widgets", "Widget", GROUP))


def objects(part: Part) -> Iterator[Object]:
    """The part's objects, as its author would apply them; owners by name, for `apply` to fill in."""
    match part.kind:
        case "config":
            yield _make(part, "ConfigMap", data={"text": part.text})
        case "secret":
            yield _make(part, "Secret", data={"text": "MQ=="}, type="Opaque")
        case "pod":
            yield _claim(part, part.name, "standard")
            yield _make(part, "Pod", spec=_pod_spec(part, part.name), opted=True)
        case "web":
            yield _claim(part, part.name, "standard")
            yield _workload(part, "Deployment", _pod_spec(part, part.name))
        case "set":
            template = {"metadata": {"name": "data"}, "spec": {"resources": {}, "storageClassName": "standard"}}
            spec = _pod_spec(part, None)
            spec["containers"][0]["volumeMounts"].append({"name": "data", "mountPath": "/data"})
            yield _workload(part, "StatefulSet", spec, volumeClaimTemplates=[template], serviceName=part.name)
        case "widget":
            yield _make(part, "Widget", f"{GROUP}/v1", spec={"text": part.text})
        case "account":
            yield _make(part, "ServiceAccount")
            yield from _rights(part)
            yield _make(part, "Pod", spec={**_pod_spec(part, None), "serviceAccountName": part.name}, suffix="-user")
        case "loose":
            yield _claim(part, part.name, "immediate")


def child_of(part: Part, widget: Object) -> Object:
    """What the operator of a widget makes."""
    labels = {} if part.bare else part.labels
    child = make("ConfigMap", f"{part.name}-child", part.namespace, labels=labels, owners=[owner(widget)])
    return _fresh(child | {"data": {"text": part.text}})


def _rights(part: Part) -> Iterator[Object]:
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": part.name, "namespace": part.namespace}
    for scope, namespace in (("", part.namespace), ("Cluster", None)):
        reference = {"apiGroup": rbac, "kind": f"{scope}Role", "name": part.name}
        labels = {} if part.bare else part.labels
        rest: dict[str, Any] = {"labels": labels, "api": f"{rbac}/v1"}
        yield _fresh(make(f"{scope}Role", part.name, namespace, rules=[{"text": part.text}], **rest))
        binding = make(f"{scope}RoleBinding", part.name, namespace, subjects=[subject], roleRef=reference, **rest)
        yield _fresh(binding)


def _pod_spec(part: Part, claim_name: str | None) -> dict[str, Any]:
    volumes: dict[str, Any] = {"data": on_claim(claim_name)} if claim_name else {}
    if part.inside:
        volumes["cache"] = {"emptyDir": {}}
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in volumes]
    return {
        "containers": [{"name": "main", "image": "busybox", "args": [part.text], "volumeMounts": mounts}],
        "volumes": [{"name": name, **of} for name, of in volumes.items()],
    }


def _opting_in(part: Part) -> dict[str, str]:
    return opted_in("data", *(["cache"] if part.inside else [])) if part.copied else {}


def _workload(part: Part, kind: str, spec: dict[str, Any], **rest: Any) -> Object:
    run = {"run": part.name}
    template = {"metadata": {"labels": {**part.labels, **run}, "annotations": _opting_in(part)}, "spec": spec}
    selector = {"matchLabels": run}
    return _make(part, kind, "apps/v1", spec={"replicas": 1, "selector": selector, "template": template, **rest})


def _claim(part: Part, name: str, storage_class: str) -> Object:
    labels = {} if part.bare and part.kind != "loose" else part.labels
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {}}
    made = claim(name, part.namespace, labels=labels, annotations=KEPT if part.kept else {})
    return _fresh(made | {"spec": spec})


def _make(part: Part, kind: str, api: str = "v1", *, suffix: str = "", opted: bool = False, **body: Any) -> Object:
    annotations = _opting_in(part) if opted else {}
    if part.kept and kind in ("ConfigMap", "Secret", "Widget"):
        annotations = {**annotations, **KEPT}
    finalizers = {"finalizers": [FINALIZER]} if part.stuck and kind == "ConfigMap" else {}
    made = make(
        kind,
        part.name + suffix,
        part.namespace,
        api,
        labels=part.labels,
        annotations=annotations,
        metadata=finalizers,
        **body,
    )
    return _fresh(made)


def _fresh(obj: Object) -> Object:
    """Without what only a server gives."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "uid" and value != {}}
    return {key: value for key, value in obj.items() if key != "status"} | {"metadata": metadata}


@dataclass(frozen=True)
class App:
    """An application: where it lives, and its Backup's spec."""

    slug: str
    namespaces: list[str]
    spec: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


def drawn_apps(chance: random.Random, console: str, count: int) -> list[App]:
    """Two applications of `count` parts: with the console, or apart from it."""
    found = []
    for slug in ("shop", "blog"):
        names = chance.choice([[console], [console], [slug], [slug, "shared"]])
        spec = _spec(chance) if chance.random() < 0.6 else {}
        found.append(App(slug, names, spec, drawn_parts(chance, slug, names, count)))
    return found


def _spec(chance: random.Random) -> dict[str, Any]:
    choices: dict[str, list[Any]] = {
        "excludedResources": [["secrets"], ["cm"], ["persistentvolumeclaims"], ["widgets.x.example.com"]],
        "includedNamespaces": [["shared"], ["*"], ["blog"]],
        "excludedNamespaces": [["shared"], ["blog"]],
        "labelSelector": [{"matchLabels": {"tier": "a"}}],
        "orLabelSelectors": [[{"matchLabels": {"team": "red"}}]],
        "includeClusterResources": [True, False],
        "defaultVolumesToFsBackup": [True, False],
    }
    return {name: chance.choice(values) for name, values in choices.items() if chance.random() < 0.25}
