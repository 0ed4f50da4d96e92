"""The API version in which a captured object is created: its own where the server has it, else one that says the same.

A server answers 400 to an object of one version at the path of another.
https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from schemas.kubernetes import Discovery, Object, ResourceType
from workers.manifests.kube.objects import Kind, kind_of, spec_of

Served = dict[Kind, list[ResourceType]]
"""By group and kind, in all versions; the preferred one first."""
Change = Callable[[dict[str, Any]], None]
"""What is changed of a spec."""


def served(found: Discovery) -> Served:
    """What the server has."""
    kinds: Served = {}
    for type_ in (*found.types, *found.others):
        kinds.setdefault((type_.group, type_.kind), []).append(type_)
    return kinds


def fitted(obj: Object, types: Iterable[ResourceType]) -> tuple[ResourceType, Object] | None:
    """The type of `obj` among those of its kind, and `obj` in that version; None if no version fits."""
    for type_ in types:
        if type_.api_version == obj["apiVersion"]:
            return type_, obj
    for type_ in types:
        if change := CHANGES.get((kind_of(obj), version_of(obj), type_.version)):
            new = copy.deepcopy(obj) | {"apiVersion": type_.api_version}
            change(new.get("spec") or {})
            return type_, new
    return None


def misfit(obj: Object, versions: Iterable[str]) -> str:
    """What to say of an object that fits none of the served `versions`."""
    there = ", ".join(versions)
    return f"the cluster has {obj['kind']} of {kind_of(obj)[0]} in version {there} only, not {version_of(obj)}"


def version_of(obj: Object) -> str:
    """`v1` of `apps/v1`."""
    return str(obj["apiVersion"]).rpartition("/")[2]


def _as_it_is(_spec: dict[str, Any]) -> None:
    """The schemas agree."""


def _budget(spec: dict[str, Any]) -> None:
    """An empty selector meant no pod in v1beta1, and means all of them in v1, where an absent one means none."""
    if spec.get("selector") == {}:
        del spec["selector"]


def _ingress(spec: dict[str, Any]) -> None:
    if "backend" in spec:
        spec["defaultBackend"] = _backend(spec.pop("backend"))
    for rule in spec.get("rules") or []:
        for path in spec_of({"spec": rule.get("http")}).get("paths") or []:
            path["backend"] = _backend(path.get("backend") or {})
            path.setdefault("pathType", "ImplementationSpecific")


def _backend(old: dict[str, Any]) -> dict[str, Any]:
    if "serviceName" not in old:
        return old
    port = old.get("servicePort")
    named = {"number": port} if isinstance(port, int) else {"name": port}
    return {"service": {"name": old["serviceName"], "port": named}}


def _both_ways(kind: Kind, one: str, other: str) -> dict[tuple[Kind, str, str], Change]:
    return {(kind, one, other): _as_it_is, (kind, other, one): _as_it_is}


RBAC = "rbac.authorization.k8s.io"
CHANGES: dict[tuple[Kind, str, str], Change] = {
    **_both_ways(("batch", "CronJob"), "v1beta1", "v1"),
    **_both_ways(("autoscaling", "HorizontalPodAutoscaler"), "v2beta2", "v2"),
    **_both_ways(("scheduling.k8s.io", "PriorityClass"), "v1beta1", "v1"),
    **_both_ways(("networking.k8s.io", "IngressClass"), "v1beta1", "v1"),
    **{
        pair: change
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
        for pair, change in _both_ways((RBAC, kind), "v1beta1", "v1").items()
    },
    (("policy", "PodDisruptionBudget"), "v1beta1", "v1"): _budget,
    (("networking.k8s.io", "Ingress"), "v1beta1", "v1"): _ingress,
}
"""Of which kind, from which version to which; and how."""
