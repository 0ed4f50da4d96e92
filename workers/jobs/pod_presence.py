"""Whether a pod is still there, as it was when its backup was planned: only then can its volumes be copied whole."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from schemas.errors import NotFound, SnaplineError
from schemas.kubernetes import PODS
from schemas.records import PodPlan
from workers.ports import Cluster

PodState = Literal["here", "going", "ended", "gone", "unknown"]

LOST: Mapping[PodState, str] = MappingProxyType(
    {
        "gone": "the pod is gone or was replaced",
        "going": "the pod is being deleted",
        "ended": "the pod has ended",
    }
)
"""In words, the states in which the kubelet takes a pod's volumes away, if it has not done so yet."""


def pod_state(cluster: Callable[[], Cluster], pod: PodPlan) -> PodState:
    """What has become of the pod; `unknown` if the API server cannot be asked, or does not answer."""
    try:
        live = cluster().get(PODS, pod.namespace, pod.name)
    except NotFound:
        return "gone"
    except SnaplineError:
        return "unknown"
    if live["metadata"].get("uid") != pod.uid:
        return "gone"
    if live["metadata"].get("deletionTimestamp"):
        return "going"
    return "ended" if (live.get("status") or {}).get("phase") in ("Succeeded", "Failed") else "here"
