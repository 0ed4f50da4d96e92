"""What a backup should select, said once more, in plain words and without the code under test.

Only what the model's worlds hold is thought of: labels, namespaces, a Backup's filters, and what brings along what.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas.kubernetes import Object
from tests.unit.model.emulated import Id
from tests.unit.model.parts import App

Objects = Mapping[Id, Object]
Owners = dict[Id, set[str]]
CONSOLE = "console"

NAMED = {
    "secrets": "secrets",
    "cm": "configmaps",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "widgets.x.example.com": "widgets.x.example.com",
}
"""What lists of kinds may name."""
CLAIMS = "persistentvolumeclaims"


def labels(obj: Object) -> dict[str, str]:
    """Its labels."""
    return obj["metadata"].get("labels") or {}


def annotations(obj: Object) -> dict[str, str]:
    """Its annotations."""
    return obj["metadata"].get("annotations") or {}


@dataclass(frozen=True)
class Rule:
    """One of the sentences that say what is selected: objects in `places` with one of `wanted`."""

    owner: str
    places: frozenset[str]
    excluded: frozenset[str]
    wanted: tuple[Mapping[str, str], ...]
    kinds_left_out: frozenset[str] = frozenset()
    cluster_wide: bool = True
    by_labels: bool = True
    """Whether an object's own labels say whose it is."""

    def holds(self, place: str) -> bool:
        """Whether the namespace is one of its."""
        return place not in self.excluded and ("*" in self.places or place in self.places)

    def allows(self, id_: Id) -> bool:
        """Whether an object of that kind, in that place, may be taken."""
        kind, namespace, _ = id_
        if kind == "namespaces":
            return True
        return (self.holds(namespace) if namespace else self.cluster_wide) and kind not in self.kinds_left_out

    def selects(self, id_: Id, obj: Object) -> bool:
        """Whether it is meant by its labels."""
        kind, namespace, name = id_
        inside = self.cluster_wide if not namespace and kind != "namespaces" else self.holds(namespace or name)
        return inside and any(want.items() <= labels(obj).items() for want in self.wanted)


def selection(objects: Objects, apps: list[App], app: str | None, console: str) -> Owners:
    """The objects of a backup, and whose they are."""
    taken: Owners = {}
    if app is not None:
        mine = next(each for each in apps if each.slug == app)
        _take(taken, objects, [_partial(mine)], [*_home(mine)])
        return taken
    rules, rest = _full(apps, console)
    _take(taken, objects, rules, [])
    left = {id_: obj for id_, obj in objects.items() if id_ not in taken}
    for id_, obj in left.items():
        if id_ not in taken and rest.selects(id_, obj):
            _add(taken, objects, id_, _whose(obj, rest), rest)
    for rule, names in [
        (rest, [console]),
        *((rule, _home(each)) for each, rule in zip(apps, _mains(rules), strict=True)),
    ]:
        for name in names:
            if ("namespaces", "", name) in objects:
                _add(taken, objects, ("namespaces", "", name), {rule.owner}, rule)
    return taken


def _mains(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.owner != CONSOLE and {"kots.io/backup": "velero"} in rule.wanted]


def _home(app: App) -> list[str]:
    """The namespaces that are taken even if they are empty: those that are named, unless all are included."""
    return [] if "*" in _places(app) else sorted(_places(app))


def _places(app: App) -> frozenset[str]:
    return frozenset((*app.namespaces, *app.spec.get("includedNamespaces", [])))


def _partial(app: App) -> Rule:
    spec = app.spec
    mine = {"kots.io/app-slug": app.slug, **spec.get("labelSelector", {}).get("matchLabels", {})}
    others = [each["matchLabels"] for each in spec.get("orLabelSelectors", [])]
    return Rule(
        app.slug,
        _places(app),
        frozenset(spec.get("excludedNamespaces", [])),
        (mine, *others),
        frozenset(NAMED[name] for name in spec.get("excludedResources", [])),
        cluster_wide=spec.get("includeClusterResources", True),
        by_labels=False,
    )


def _full(apps: list[App], console: str) -> tuple[list[Rule], Rule]:
    excluded = frozenset(name for app in apps for name in app.spec.get("excludedNamespaces", [])) - {console}
    everywhere = frozenset({console, *(name for app in apps for name in _places(app))})
    marked = {"kots.io/backup": "velero"}
    rules = [Rule(CONSOLE, everywhere, excluded, ({"kots.io/kotsadm": "true"},))]
    for app in apps:
        rules.append(Rule(app.slug, _places(app), excluded, (marked, {"kots.io/app-slug": app.slug})))
        if others := [each["matchLabels"] for each in app.spec.get("orLabelSelectors", [])]:
            rules.append(Rule(app.slug, everywhere, excluded, tuple(others)))
    return rules, Rule(CONSOLE, frozenset({console}), excluded, (marked,))


def _take(taken: Owners, objects: Objects, rules: list[Rule], namespaces: list[str]) -> None:
    for rule in rules:
        for id_, obj in objects.items():
            if rule.selects(id_, obj):
                _add(taken, objects, id_, _whose(obj, rule) if rule.by_labels else {rule.owner}, rule)
        for name in namespaces:
            if ("namespaces", "", name) in objects:
                _add(taken, objects, ("namespaces", "", name), {rule.owner}, rule)


def _whose(obj: Object, rule: Rule) -> set[str]:
    said = {CONSOLE} if labels(obj).get("kots.io/kotsadm") == "true" else set()
    if slug := labels(obj).get("kots.io/app-slug"):
        said.add(slug)
    return said or {rule.owner}


def _add(taken: Owners, objects: Objects, id_: Id, owners: set[str], rule: Rule) -> None:
    """Takes it, and what it brings along."""
    left = [id_]
    while left:
        id_ = left.pop()
        obj = objects.get(id_)
        if obj is None or not rule.allows(id_) or never_taken(id_, obj) or owners <= taken.get(id_, set()):
            continue
        taken[id_] = taken.get(id_, set()) | owners
        left.extend(_brought(id_, obj, objects))


def never_taken(id_: Id, obj: Object) -> bool:
    """What is in no backup."""
    if labels(obj).get("velero.io/exclude-from-backup") == "true" or "snapline.dev/restore" in labels(obj):
        return True
    return id_[2] == "kube-root-ca.crt" or "deletionTimestamp" in obj["metadata"] or id_[0] == "nodes"


def _brought(id_: Id, obj: Object, objects: Objects) -> Iterator[Id]:
    kind, namespace, name = id_
    rbac = "rbac.authorization.k8s.io"
    if namespace:
        yield "namespaces", "", namespace
    if kind == "pods":
        yield from ((CLAIMS, namespace, claim) for claim in mounts(obj).values())
    elif kind == CLAIMS and (obj.get("status") or {}).get("phase") == "Bound":
        yield "persistentvolumes", "", obj["spec"]["volumeName"]
    elif kind == "widgets.x.example.com":
        yield "customresourcedefinitions.apiextensions.k8s.io", "", kind
    elif kind.endswith(f"rolebindings.{rbac}"):
        wide = obj["roleRef"]["kind"] == "ClusterRole"
        yield f"{'clusterroles' if wide else 'roles'}.{rbac}", "" if wide else namespace, obj["roleRef"]["name"]
    elif kind == "serviceaccounts":
        for other, binding in objects.items():
            subjects = binding.get("subjects") or []
            if any((each["name"], each["namespace"]) == (name, namespace) for each in subjects):
                yield other


def mounts(pod: Object) -> dict[str, str]:
    """Volume name -> claim."""
    volumes = pod["spec"].get("volumes") or []
    return {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}


def chosen_volumes(objects: Objects, taken: Iterable[Id], default: bool) -> Iterator[tuple[Id, str, str | None]]:
    """The pods' volumes that are to be copied: pod, volume, and claim if it is one."""
    for id_ in taken:
        if id_[0] != "pods":
            continue
        pod = objects[id_]
        asked = annotations(pod).get("backup.velero.io/backup-volumes", "").split(",")
        for volume in pod["spec"].get("volumes") or []:
            name = volume["name"]
            if name in asked or (default and name != "snapline-wait"):
                yield id_, name, mounts(pod).get(name)


def homes(apps: list[App], app: str | None, console: str) -> dict[str, Rule]:
    """For each owner where its newer objects would have been looked for."""
    if app is not None:
        return {app: _partial(next(each for each in apps if each.slug == app))}
    rules, rest = _full(apps, console)
    return {CONSOLE: rest} | {rule.owner: rule for rule in _mains(rules)}
