"""All kinds in two answers, as API servers give them since Kubernetes 1.26.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
"""

from aiohttp.web import BaseRequest

from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.cluster import MemoryCluster

KIND = "APIGroupDiscoveryList"
VERSIONS = ("v2", "v2beta1")


def version_for(request: BaseRequest) -> str | None:
    """In which version it asks for all kinds at once; None if it does not."""
    accepted = request.headers.get("Accept", "").replace(" ", "")
    asked = (version for version in VERSIONS if media_type(version) in accepted)
    return next(asked, None) if request.path in ("/api", "/apis") else None


def media_type(version: str) -> str:
    """By which clients tell it from the groups that they get otherwise."""
    return f"application/json;g=apidiscovery.k8s.io;v={version};as={KIND}"


def all_kinds(cluster: MemoryCluster, version: str, *, core: bool) -> Object:
    """The core group, or all others. Of a group whose server is away nothing is known."""
    types = [type_ for type_ in (*cluster.types(), *cluster.others()) if (type_.group == "") == core]
    away: dict[tuple[str, str], list[ResourceType]] = {} if core else {key: [] for key in sorted(cluster.away())}
    versions = dict(away)
    for type_ in types:
        versions.setdefault((type_.group, type_.version), []).append(type_)
    groups: dict[str, list[Object]] = {}
    for (group, served), kinds in versions.items():
        stale = (group, served) in away
        resources = [] if stale else list(map(_resource, kinds))
        entry = {"version": served, "freshness": "Stale" if stale else "Current", "resources": resources}
        groups.setdefault(group, []).append(entry)
    items = [{"metadata": {"name": group} if group else {}, "versions": found} for group, found in groups.items()]
    return {"apiVersion": f"apidiscovery.k8s.io/{version}", "kind": KIND, "metadata": {}, "items": items}


def _resource(type_: ResourceType) -> Object:
    return {
        "resource": type_.plural,
        "responseKind": {"group": type_.group, "version": type_.version, "kind": type_.kind},
        "scope": "Namespaced" if type_.namespaced else "Cluster",
        "singularResource": type_.singular,
        "shortNames": sorted(type_.short_names),
        "verbs": sorted(type_.verbs),
        "subresources": [{"subresource": "status", "verbs": ["get", "patch", "update"]}],
    }
