"""Gives pods a node: the one their volumes are on, else one their nodeSelector takes, the emptiest first."""

from collections import Counter
from collections.abc import Iterator

from deploy.local.emulator.volumes import SELECTED_NODE
from deploy.local.emulator.world import claims_of, find, patch, present
from schemas.kubernetes import CLAIMS, NODES, PODS, VOLUMES, Object
from workers.adapters.twins.cluster import MemoryCluster


def schedule(cluster: MemoryCluster) -> None:
    """Binds every pod whose claims are bound; first picks a node for those that wait for it.

    Affinity, taints and resources are not looked at.
    """
    for pod in present(cluster, PODS):
        if pod["spec"].get("nodeName"):
            continue
        claims = list(_claims(cluster, pod))
        node = _choose(cluster, pod, [claim for claim in claims if claim is not None])
        if node is None or None in claims:
            continue
        unbound = [claim for claim in claims if claim and (claim.get("status") or {}).get("phase") != "Bound"]
        for claim in unbound:
            patch(cluster, CLAIMS, claim, {"metadata": {"annotations": {SELECTED_NODE: node}}})
        if not unbound:
            account = pod["spec"].get("serviceAccountName") or "default"
            patch(cluster, PODS, pod, {"spec": {"nodeName": node, "serviceAccountName": account}})


def _claims(cluster: MemoryCluster, pod: Object) -> Iterator[Object | None]:
    for name in claims_of(pod).values():
        claim = find(cluster, CLAIMS, pod["metadata"]["namespace"], name)
        yield None if claim is None or "deletionTimestamp" in claim["metadata"] else claim


def _choose(cluster: MemoryCluster, pod: Object, claims: list[Object]) -> str | None:
    allowed = set(_matching(cluster, pod))
    for claim in claims:
        if (place := _place(cluster, claim)) is not None:
            allowed &= {place}
    load = Counter(other["spec"].get("nodeName") for other in present(cluster, PODS))
    return min(allowed, key=lambda node: (load[node], node), default=None)


def _matching(cluster: MemoryCluster, pod: Object) -> Iterator[str]:
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    for node in present(cluster, NODES):
        if wanted <= (node["metadata"].get("labels") or {}).items():
            yield node["metadata"]["name"]


def _place(cluster: MemoryCluster, claim: Object) -> str | None:
    """The node a claim's volume is on, or will be on; None if any will do."""
    volume = find(cluster, VOLUMES, None, claim["spec"].get("volumeName") or "")
    if volume is None:
        return (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
    terms = volume["spec"].get("nodeAffinity", {}).get("required", {}).get("nodeSelectorTerms") or []
    values = [value for term in terms for rule in term.get("matchExpressions", []) for value in rule["values"]]
    return values[0] if values else None
