"""Where a helper pod may run: wherever the pod that it stands in for may run, so that both end up on the same node.

Helpers keep the same distance from each other as their pods do (anti-affinity, topology spread). To that end labels and
selectors are renamed in the same way, so that no Service, controller or other pod takes a helper for the real pod.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.objects import labels_of, spec_of

COPIED = ("nodeSelector", "tolerations", "schedulerName", "priorityClassName", "runtimeClassName", "imagePullSecrets")
HOSTNAME = "kubernetes.io/hostname"
STAND_IN = "restore.snapline.dev/"
"""Prefix of the renamed labels."""
ANTI_AFFINITY = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")


@dataclass(frozen=True)
class Placement:
    """Parts of a pod: fields of its spec, and labels."""

    spec: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def placement(pod: Object) -> Placement:
    """Where the captured `pod` may run, best where it ran; anywhere, if `pod` is empty."""
    if not pod:
        return Placement()
    spec = spec_of(pod)
    placed = {key: spec[key] for key in COPIED if spec.get(key)}
    if account := spec.get("serviceAccountName"):
        placed["serviceAccountName"] = account
    if affinity := _affinity(spec):
        placed["affinity"] = affinity
    if spread := [_spread(constraint) for constraint in spec.get("topologySpreadConstraints") or []]:
        placed["topologySpreadConstraints"] = spread
    return Placement(placed, {_renamed(key): value for key, value in labels_of(pod).items()})


def _affinity(spec: dict[str, Any]) -> dict[str, Any]:
    """Node affinity and pod anti-affinity. Pod affinity is left out: the pods that it asks for do not exist yet."""
    given = spec.get("affinity") or {}
    node = dict(given.get("nodeAffinity") or {})
    if spec.get("nodeName"):
        match = {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [spec["nodeName"]]}]}
        preferred = node.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        node["preferredDuringSchedulingIgnoredDuringExecution"] = [*preferred, {"weight": 100, "preference": match}]
    required, preferred = ((given.get("podAntiAffinity") or {}).get(key) or [] for key in ANTI_AFFINITY)
    anti = {
        ANTI_AFFINITY[0]: [_spread(term) for term in required],
        ANTI_AFFINITY[1]: [{**term, "podAffinityTerm": _spread(term["podAffinityTerm"])} for term in preferred],
    }
    kept = {"nodeAffinity": node, "podAntiAffinity": {key: terms for key, terms in anti.items() if terms}}
    return {key: value for key, value in kept.items() if value}


def _spread(term: dict[str, Any]) -> dict[str, Any]:
    """A term with the labels in its `labelSelector` renamed."""
    selector = dict(term.get("labelSelector") or {})
    if labels := selector.get("matchLabels"):
        selector["matchLabels"] = {_renamed(key): value for key, value in labels.items()}
    if expressions := selector.get("matchExpressions"):
        selector["matchExpressions"] = [{**e, "key": _renamed(e["key"])} for e in expressions]
    kept = {key: value for key, value in term.items() if key not in ("matchLabelKeys", "mismatchLabelKeys")}
    return {**kept, "labelSelector": selector} if "labelSelector" in term else kept


def _renamed(key: str) -> str:
    return STAND_IN + hashlib.sha256(key.encode()).hexdigest()[:16]
