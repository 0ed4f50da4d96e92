"""Whether a workload is up: what `kubectl rollout status` asks, for the kinds that restores wait for."""

from schemas.kubernetes import Object

WORKLOADS = {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}
"""Group and kind."""


def why_not_ready(obj: Object) -> str | None:
    """What is missing, or None if the live object has all it wants."""
    status = obj.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(obj["metadata"].get("generation") or 0):
        return "its controller has not seen it yet"
    wanted, ready = _numbers(obj)
    return None if ready >= wanted else f"{ready} of {wanted} pods are ready"


def _numbers(obj: Object) -> tuple[int, int]:
    status = obj.get("status") or {}
    if obj["kind"] == "DaemonSet":
        return int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    wanted = obj["spec"].get("replicas")
    return 1 if wanted is None else int(wanted), int(status.get("readyReplicas") or 0)
