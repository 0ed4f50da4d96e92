"""The kinds of object that every Kubernetes cluster has, for twins and emulators.

Plural, kind, scope (N: in namespaces, C: cluster-wide), `s` where there is a status subresource, and short names.
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from dataclasses import dataclass

from schemas.kubernetes import ResourceType

VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})

TABLE = """
v1  namespaces Namespace Cs ns
v1  nodes Node Cs no
v1  persistentvolumes PersistentVolume Cs pv
v1  persistentvolumeclaims PersistentVolumeClaim Ns pvc
v1  pods Pod Ns po
v1  services Service Ns svc
v1  configmaps ConfigMap N cm
v1  secrets Secret N
v1  serviceaccounts ServiceAccount N sa
v1  endpoints Endpoints N ep
v1  events Event N ev
v1  limitranges LimitRange N limits
v1  resourcequotas ResourceQuota Ns quota
v1  replicationcontrollers ReplicationController Ns rc
v1  podtemplates PodTemplate N
apps/v1  deployments Deployment Ns deploy
apps/v1  replicasets ReplicaSet Ns rs
apps/v1  statefulsets StatefulSet Ns sts
apps/v1  daemonsets DaemonSet Ns ds
apps/v1  controllerrevisions ControllerRevision N
batch/v1  jobs Job Ns
batch/v1  cronjobs CronJob Ns cj
autoscaling/v2  horizontalpodautoscalers HorizontalPodAutoscaler Ns hpa
policy/v1  poddisruptionbudgets PodDisruptionBudget Ns pdb
networking.k8s.io/v1  ingresses Ingress Ns ing
networking.k8s.io/v1  networkpolicies NetworkPolicy N netpol
networking.k8s.io/v1  ingressclasses IngressClass C
discovery.k8s.io/v1  endpointslices EndpointSlice N
coordination.k8s.io/v1  leases Lease N
rbac.authorization.k8s.io/v1  roles Role N
rbac.authorization.k8s.io/v1  rolebindings RoleBinding N
rbac.authorization.k8s.io/v1  clusterroles ClusterRole C
rbac.authorization.k8s.io/v1  clusterrolebindings ClusterRoleBinding C
storage.k8s.io/v1  storageclasses StorageClass C sc
storage.k8s.io/v1  csidrivers CSIDriver C
storage.k8s.io/v1  csinodes CSINode C
storage.k8s.io/v1  volumeattachments VolumeAttachment Cs
scheduling.k8s.io/v1  priorityclasses PriorityClass C pc
admissionregistration.k8s.io/v1  mutatingwebhookconfigurations MutatingWebhookConfiguration C
admissionregistration.k8s.io/v1  validatingwebhookconfigurations ValidatingWebhookConfiguration C
apiregistration.k8s.io/v1  apiservices APIService Cs
apiextensions.k8s.io/v1  customresourcedefinitions CustomResourceDefinition Cs crd crds
"""


@dataclass(frozen=True)
class ServedType:
    """A kind as an API server serves it."""

    type: ResourceType
    has_status: bool  # status is a subresource: ignored on create, changed only through it


def _row(line: str) -> ServedType:
    api_version, plural, kind, scope, *short = line.split()
    group, _, version = api_version.rpartition("/")
    type_ = ResourceType(group, version, kind, plural, "N" in scope, VERBS, kind.lower(), frozenset(short))
    return ServedType(type_, "s" in scope)


BUILTIN: tuple[ServedType, ...] = tuple(_row(line) for line in TABLE.strip().splitlines())
"""All of them, core group first."""
