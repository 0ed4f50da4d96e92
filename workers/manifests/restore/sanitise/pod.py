"""Pods: what scheduler, admission and earlier restores have put into them."""

import copy

from schemas.kubernetes import Object
from workers.manifests.kube.objects import annotations_of
from workers.manifests.kube.own import FRESH, WAIT_CONTAINER
from workers.manifests.kube.service_account_tokens import token_volumes

ADMISSIONS_OWN = ("nodeName", "priority", "preemptionPolicy", "ephemeralContainers")
"""Fields that are set, or refused, when a pod is created; priority and preemption follow from the priority class."""


def strip(pod: Object) -> None:
    """Removes what is set when a pod is created: node, priority, the token's volume; and what earlier restores left."""
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


def without_waiting(pod: Object) -> Object:
    """A copy of `pod` without the init containers that earlier restores, ours and Velero's, have left in it."""
    clean = copy.deepcopy(pod)
    spec = clean["spec"]
    left_over = {WAIT_CONTAINER, "restore-wait", "restic-wait"}
    if any(container["name"] in left_over for container in spec.get("initContainers") or []):
        spec["initContainers"] = [c for c in spec["initContainers"] if c["name"] not in left_over]
    if any(volume["name"] == WAIT_CONTAINER for volume in spec.get("volumes") or []):
        spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != WAIT_CONTAINER]
    return clean
