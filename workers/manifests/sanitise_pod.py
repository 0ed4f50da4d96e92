"""Pods: what scheduler, admission and earlier restores have put into them."""

from workers.manifests.objects import annotations_of
from workers.manifests.tokens import token_volumes
from workers.manifests.waiting import FRESH, without_waiting
from workers.ports import Object

ADMISSIONS_OWN = ("nodeName", "priority", "preemptionPolicy", "ephemeralContainers")
"""Fields that are set, or refused, when a pod is created; priority and preemption follow from the priority class."""


def strip(pod: Object) -> None:
    """Takes away what is set anew: the node, the priority, the token's volume and mounts, waits of earlier restores."""
    if annotations_of(pod).get(FRESH):
        del pod["metadata"]["annotations"][FRESH]
    else:
        pod["spec"] = without_waiting(pod)["spec"]
    spec = pod["spec"]
    tokens = token_volumes(pod)
    for field in ADMISSIONS_OWN:
        spec.pop(field, None)
    if tokens:
        spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] not in tokens]
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        if container.get("volumeMounts"):
            container["volumeMounts"] = [m for m in container["volumeMounts"] if m["name"] not in tokens]
