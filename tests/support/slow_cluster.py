"""An emulated cluster in which pods take their time, so that a restore has to wait for them."""

import time
from collections import defaultdict

import pytest

from deploy.local.emulator import kubelet, scheduler
from schemas.kubernetes import Object
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.kube.own import WAIT_CONTAINER

NODE_AFTER, START_AFTER = 0.7, 4.0
"""Seconds until a pod gets its node; and until one starts that waits for its data."""


def slow_down(patch: pytest.MonkeyPatch) -> None:
    """From now on, for clusters that are started later."""
    seen: dict[str, float] = defaultdict(time.monotonic)
    choose, advance = scheduler._choose, kubelet.Kubelets._advance

    def age(pod: Object) -> float:
        return time.monotonic() - seen[pod["metadata"]["uid"]]

    def choose_late(cluster: MemoryCluster, pod: Object, claims: list[Object]) -> str | None:
        return None if age(pod) < NODE_AFTER else choose(cluster, pod, claims)

    def advance_late(kubelets: kubelet.Kubelets, cluster: MemoryCluster, pod: Object) -> None:
        inits = [container["name"] for container in pod["spec"].get("initContainers") or []]
        late = WAIT_CONTAINER in inits and age(pod) < START_AFTER
        if not late:
            advance(kubelets, cluster, pod)
        if late or "nodeName" not in pod["spec"]:
            kubelets.waiting = True  # so that the cluster looks again soon

    patch.setattr(scheduler, "_choose", choose_late)
    patch.setattr(kubelet.Kubelets, "_advance", advance_late)
