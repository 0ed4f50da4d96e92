"""What somebody who installs may choose."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from schemas.errors import Invalid

Broker = Literal["own", "operator", "external"]
Budgets = Literal["", "policy/v1", "policy/v1beta1"]
DEFAULT_IMAGE = f"snapline:{version('snapline')}"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOST = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")


@dataclass(frozen=True)
class Options:
    """An installation. Raises Invalid for what no cluster would take."""

    namespace: str = "snapline"
    """Where the line runs."""
    nodes_namespace: str = "snapline-nodes"
    """Where the workers of nodes run, alone: they mount a directory of the host, which PodSecurity allows privileged
    namespaces only."""
    console_namespace: str = "snapline-console"
    """Where the admin console and the registered applications live, and where settings are kept."""
    namespaces: tuple[str, ...] = ()
    """The only namespaces that backups and restores may touch, besides the console's. Empty means the whole cluster."""
    image: str = DEFAULT_IMAGE
    broker: Broker = "own"
    """`own`: one RabbitMQ. `operator`: three, which RabbitMQ's cluster operator runs. `external`: another one, with
    accounts in Secrets that somebody makes."""
    rabbitmq_image: str = "rabbitmq:4.3.6-management"
    rabbitmq_storage: str = "8Gi"
    """The event log takes up to 2 GB of it."""
    storage_class: str = ""
    """Of RabbitMQ's volumes; empty means the cluster's default."""
    replicas: int = 1
    """Of each step that may run more than once at a time."""
    budgets: Budgets = ""
    """PodDisruptionBudgets of this version, for what has more than one replica; empty for none."""
    most_replicas: int = 0
    """KEDA runs between `replicas` and so many of each step, by what waits in its queue; 0 leaves KEDA out."""
    pod_monitors: bool = False
    """Whether Prometheus' operator is told to ask all pods for metrics."""
    ingress_host: str = ""
    """Where browsers reach the console; empty leaves the Ingress out."""
    ingress_class: str = ""
    ingress_secret: str = ""
    """Secret with the certificate of that host; empty where the ingress controller has one of its own."""
    kubelet_pods: str = "/var/lib/kubelet/pods"
    """The kubelet's directory of pods on the nodes."""
    helper_image: str = "busybox:1.35"
    store_ports: tuple[int, ...] = (443,)
    """TCP ports of the object stores and of the API server, besides 6443: the only ones that may be reached outside."""

    def __post_init__(self) -> None:
        for name in (self.namespace, self.nodes_namespace, self.console_namespace, *self.namespaces):
            if not _LABEL.fullmatch(name):
                raise Invalid(f"{name!r:.80} is no name of a namespace: lower-case letters, digits, inner hyphens")
        if self.ingress_host and not (_HOST.fullmatch(self.ingress_host) and len(self.ingress_host) <= 253):
            raise Invalid(f"{self.ingress_host!r:.80} is no host name")
        if self.nodes_namespace == self.console_namespace:
            raise Invalid("the workers of nodes need privileges that the console's namespace must not give to others")
        if self.replicas < 1 or (self.most_replicas and self.most_replicas < self.replicas):
            raise Invalid("there is at least one replica of each step, and no more than the most")
        if not re.fullmatch(r"\S{1,500}", self.image):
            raise Invalid(f"{self.image!r:.80} is no name of an image")
        if not self.kubelet_pods.startswith("/"):
            raise Invalid(f"{self.kubelet_pods!r:.80} does not begin with a slash")
        if not all(0 < port < 65536 for port in self.store_ports):
            raise Invalid("a port is between 1 and 65535")

    @property
    def is_minimal(self) -> bool:
        """Whether nothing has rights on the whole cluster."""
        return bool(self.namespaces)
