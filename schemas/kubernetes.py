"""What a Kubernetes object and a kind of object are, and the kinds that Snapline asks for by name.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import TransientError

Object = dict[str, Any]
"""A Kubernetes object as plain JSON, always with `apiVersion`, `kind` and `metadata.name`."""


@dataclass(frozen=True)
class ResourceType:
    """A kind of object as the API server's discovery describes it."""

    group: str  # "" is the core group
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = field(default=frozenset(), compare=False)
    singular: str = field(default="", compare=False)  # `deployment`, if the server says it
    short_names: frozenset[str] = field(default=frozenset(), compare=False)  # `deploy`

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """Velero's name: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True)
class Discovery:
    """The kinds that an API server has, each in the version that it prefers; of which API groups it could not say it:
    group -> why; and the same kinds in the `others` of the versions that it has them in."""

    types: Sequence[ResourceType]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[ResourceType] = ()

    def require(self, groups: Iterable[str]) -> None:
        """Raises TransientError unless it is known what there is in each of the `groups`."""
        for group in sorted(set(groups) & set(self.unreadable)):
            raise TransientError(f"the kinds of the API group {group} are not known now: {self.unreadable[group]}")


NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
NODES = ResourceType("", "v1", "Node", "nodes", namespaced=False)
PODS = ResourceType("", "v1", "Pod", "pods", namespaced=True)
CLAIMS = ResourceType("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", namespaced=True)
VOLUMES = ResourceType("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False)
API_SERVICES = ResourceType("apiregistration.k8s.io", "v1", "APIService", "apiservices", namespaced=False)
SERVICES = ResourceType("", "v1", "Service", "services", namespaced=True)
SERVICE_ACCOUNTS = ResourceType("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)
SECRETS = ResourceType("", "v1", "Secret", "secrets", namespaced=True)
CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENTS = ResourceType("apps", "v1", "Deployment", "deployments", namespaced=True)
REPLICA_SETS = ResourceType("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)
STATEFUL_SETS = ResourceType("apps", "v1", "StatefulSet", "statefulsets", namespaced=True)
DAEMON_SETS = ResourceType("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)
INGRESSES = ResourceType("networking.k8s.io", "v1", "Ingress", "ingresses", namespaced=True)
NETWORK_POLICIES = ResourceType("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", namespaced=True)
STORAGE_CLASSES = ResourceType("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)
DEFINITIONS = ResourceType(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
