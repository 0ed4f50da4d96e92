"""The Kubernetes API through the official client: the only place that imports `kubernetes`."""

from collections.abc import Callable
from pathlib import Path

from workers.adapters.cluster.access import api_client
from workers.adapters.cluster.objects import KubernetesCluster
from workers.adapters.cluster.transport import Transport

__all__ = ["KubernetesCluster", "api_client", "connect"]


def connect(
    kubeconfig: Path | str | None = None, requested: Callable[[str, str, float], None] | None = None
) -> KubernetesCluster:
    """The cluster of the file `kubeconfig`, else the one this pod runs in, else kubectl's default.

    Reads files only; the first request is the caller's. `requested` is told of each: see
    Transport. Raises Invalid if no usable configuration is found.
    """
    return KubernetesCluster(Transport(api_client(str(kubeconfig) if kubeconfig else None), requested))
