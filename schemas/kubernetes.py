"""What a Kubernetes object and a kind of object are, and the kinds that Snapline asks for by name.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from dataclasses import dataclass, field
from typing import Any

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

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """Velero's name: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
NODES = ResourceType("", "v1", "Node", "nodes", namespaced=False)
PODS = ResourceType("", "v1", "Pod", "pods", namespaced=True)
CLAIMS = ResourceType("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", namespaced=True)
VOLUMES = ResourceType("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False)
SERVICES = ResourceType("", "v1", "Service", "services", namespaced=True)
SERVICE_ACCOUNTS = ResourceType("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)
SECRETS = ResourceType("", "v1", "Secret", "secrets", namespaced=True)
CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENTS = ResourceType("apps", "v1", "Deployment", "deployments", namespaced=True)
REPLICA_SETS = ResourceType("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)
STATEFUL_SETS = ResourceType("apps", "v1", "StatefulSet", "statefulsets", namespaced=True)
INGRESSES = ResourceType("networking.k8s.io", "v1", "Ingress", "ingresses", namespaced=True)
STORAGE_CLASSES = ResourceType("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)
DEFINITIONS = ResourceType(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
