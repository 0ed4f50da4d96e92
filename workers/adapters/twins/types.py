"""The kinds of object that every Kubernetes cluster has, for twins and emulators.

Plural, kind, scope (N: in namespaces, C: cluster-wide), and `s` where there is a status subresource.
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from dataclasses import dataclass

from schemas.kubernetes import ResourceType

VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})

TABLE = """
v1  namespaces Namespace Cs
v1  nodes Node Cs
v1  persistentvolumes PersistentVolume Cs
v1  persistentvolumeclaims PersistentVolumeClaim Ns
v1  pods Pod Ns
v1  services Service Ns
v1  configmaps ConfigMap N
v1  secrets Secret N
v1  serviceaccounts ServiceAccount N
v1  endpoints Endpoints N
v1  events Event N
v1  limitranges LimitRange N
v1  resourcequotas ResourceQuota Ns
v1  replicationcontrollers ReplicationController Ns
v1  podtemplates PodTemplate N
apps/v1  deployments Deployment Ns
apps/v1  replicasets ReplicaSet Ns
apps/v1  statefulsets StatefulSet Ns
apps/v1  daemonsets DaemonSet Ns
apps/v1  controllerrevisions ControllerRevision N
batch/v1  jobs Job Ns
batch/v1  cronjobs CronJob Ns
autoscaling/v2  horizontalpodautoscalers HorizontalPodAutoscaler Ns
policy/v1  poddisruptionbudgets PodDisruptionBudget Ns
networking.k8s.io/v1  ingresses Ingress Ns
networking.k8s.io/v1  networkpolicies NetworkPolicy N
networking.k8s.io/v1  ingressclasses IngressClass C
discovery.k8s.io/v1  endpointslices EndpointSlice N
coordination.k8s.io/v1  leases Lease N
rbac.authorization.k8s.io/v1  roles Role N
rbac.authorization.k8s.io/v1  rolebindings RoleBinding N
rbac.authorization.k8s.io/v1  clusterroles ClusterRole C
rbac.authorization.k8s.io/v1  clusterrolebindings ClusterRoleBinding C
storage.k8s.io/v1  storageclasses StorageClass C
storage.k8s.io/v1  csidrivers CSIDriver C
storage.k8s.io/v1  csinodes CSINode C
storage.k8s.io/v1  volumeattachments VolumeAttachment Cs
scheduling.k8s.io/v1  priorityclasses PriorityClass C
admissionregistration.k8s.io/v1  mutatingwebhookconfigurations MutatingWebhookConfiguration C
admissionregistration.k8s.io/v1  validatingwebhookconfigurations ValidatingWebhookConfiguration C
apiregistration.k8s.io/v1  apiservices APIService Cs
apiextensions.k8s.io/v1  customresourcedefinitions CustomResourceDefinition Cs
"""


@dataclass(frozen=True)
class ServedType:
    """A kind as an API server serves it."""

    type: ResourceType
    has_status: bool  # status is a subresource: ignored on create, changed only through it


def _row(line: str) -> ServedType:
    api_version, plural, kind, scope = line.split()
    group, _, version = api_version.rpartition("/")
    return ServedType(ResourceType(group, version, kind, plural, "N" in scope, VERBS), "s" in scope)


BUILTIN: tuple[ServedType, ...] = tuple(_row(line) for line in TABLE.strip().splitlines())
"""All of them, core group first."""
