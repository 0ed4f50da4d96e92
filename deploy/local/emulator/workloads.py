"""Deployments, ReplicaSets and StatefulSets: as many pods as asked for, at once, orphans adopted."""

import hashlib
import json
from collections.abc import Sequence

from deploy.local.emulator.owners import claimed, reference
from deploy.local.emulator.world import find, patch, present
from schemas.kubernetes import CLAIMS, DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS, Object
from workers.adapters.twins.cluster import MemoryCluster

HASH = "pod-template-hash"


def deployments(cluster: MemoryCluster) -> None:
    """One ReplicaSet with the current template at full size, older ones at none."""
    for deployment in present(cluster, DEPLOYMENTS):
        sets = claimed(cluster, REPLICA_SETS, deployment)
        current = next((rs for rs in sets if _same_template(rs, deployment)), None)
        if current is None:
            cluster.create(REPLICA_SETS, _replica_set(deployment))
            continue
        for old in sets:
            wanted = _replicas(deployment) if old is current else 0
            patch(cluster, REPLICA_SETS, old, {"spec": {"replicas": wanted}})
        ready = (current.get("status") or {}).get("readyReplicas", 0)
        available = {"type": "Available", "status": "True" if ready >= _replicas(deployment) else "False"}
        counts = {"replicas": ready, "updatedReplicas": ready, "availableReplicas": ready, "readyReplicas": ready}
        _report(cluster, deployment, counts | {"conditions": [available]})


def replica_sets(cluster: MemoryCluster) -> None:
    """As many pods as `spec.replicas`, with random names."""
    for rs in present(cluster, REPLICA_SETS):
        pods = claimed(cluster, PODS, rs)
        for _ in range(_replicas(rs) - len(pods)):
            cluster.create(PODS, _pod(rs, {"generateName": f"{rs['metadata']['name']}-"}))
        for extra in pods[_replicas(rs) :]:
            _delete_pod(cluster, extra)
        _report(cluster, rs, _counts(pods) | {"availableReplicas": _ready(pods)})


def stateful_sets(cluster: MemoryCluster) -> None:
    """Pods `<set>-0` to `<set>-<n-1>`, each with the claims of the templates; claims outlive pods and set."""
    for stateful_set in present(cluster, STATEFUL_SETS):
        pods = {pod["metadata"]["name"]: pod for pod in claimed(cluster, PODS, stateful_set)}
        names = [f"{stateful_set['metadata']['name']}-{i}" for i in range(_replicas(stateful_set))]
        for name in names:
            _ensure_claims(cluster, stateful_set, name)
            if find(cluster, PODS, stateful_set["metadata"]["namespace"], name) is None:
                cluster.create(PODS, _stateful_pod(stateful_set, name))
        for extra in pods.keys() - set(names):
            _delete_pod(cluster, pods[extra])
        counts = _counts(list(pods.values()))
        _report(cluster, stateful_set, counts | {"currentReplicas": len(pods), "updatedReplicas": len(pods)})


def _replica_set(deployment: Object) -> Object:
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    number = {HASH: hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]}
    labels = {**(template["metadata"].get("labels") or {}), **number}
    selector = deployment["spec"]["selector"]
    return {
        "metadata": {
            "name": f"{metadata['name']}-{number[HASH]}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [reference(deployment)],
        },
        "spec": {
            "replicas": _replicas(deployment),
            "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **number}},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }


def _same_template(rs: Object, deployment: Object) -> bool:
    """Equal but for the hash, as the real controller compares them: so a restored ReplicaSet is taken back."""
    template = rs["spec"]["template"]
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    plain = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return bool(plain == deployment["spec"]["template"])


def _pod(owner: Object, name: dict[str, str]) -> Object:
    template = owner["spec"]["template"]
    metadata = {**template.get("metadata", {}), **name, "namespace": owner["metadata"]["namespace"]}
    return {"metadata": {**metadata, "ownerReferences": [reference(owner)]}, "spec": template["spec"]}


def _stateful_pod(stateful_set: Object, name: str) -> Object:
    pod = _pod(stateful_set, {"name": name})
    labels = {**pod["metadata"].get("labels", {}), "statefulset.kubernetes.io/pod-name": name}
    templates = [template["metadata"]["name"] for template in _claim_templates(stateful_set)]
    volumes = [v for v in pod["spec"].get("volumes") or [] if v["name"] not in templates]
    volumes += [{"name": t, "persistentVolumeClaim": {"claimName": f"{t}-{name}"}} for t in templates]
    return {
        "metadata": {**pod["metadata"], "labels": labels},
        "spec": {**pod["spec"], "hostname": name, "volumes": volumes},
    }


def _ensure_claims(cluster: MemoryCluster, stateful_set: Object, pod_name: str) -> None:
    """The claims of one pod. They get the set's matchLabels, and no label of the set itself."""
    namespace = stateful_set["metadata"]["namespace"]
    for template in _claim_templates(stateful_set):
        name = f"{template['metadata']['name']}-{pod_name}"
        if find(cluster, CLAIMS, namespace, name) is None:
            own = template["metadata"].get("labels") or {}
            labels = {**own, **(stateful_set["spec"]["selector"].get("matchLabels") or {})}
            metadata = {**template["metadata"], "name": name, "namespace": namespace, "labels": labels}
            cluster.create(CLAIMS, {"metadata": metadata, "spec": template["spec"]})


def _claim_templates(stateful_set: Object) -> Sequence[Object]:
    return stateful_set["spec"].get("volumeClaimTemplates") or []


def _replicas(workload: Object) -> int:
    return int(workload["spec"].get("replicas", 1))


def _ready(pods: Sequence[Object]) -> int:
    return sum((pod.get("status") or {}).get("phase") == "Running" for pod in pods)


def _counts(pods: Sequence[Object]) -> Object:
    return {"replicas": len(pods), "readyReplicas": _ready(pods)}


def _report(cluster: MemoryCluster, workload: Object, status: Object) -> None:
    types = {"Deployment": DEPLOYMENTS, "ReplicaSet": REPLICA_SETS, "StatefulSet": STATEFUL_SETS}
    observed = {**status, "observedGeneration": workload["metadata"].get("generation", 1)}
    patch(cluster, types[workload["kind"]], workload, {"status": observed}, status=True)


def _delete_pod(cluster: MemoryCluster, pod: Object) -> None:
    cluster.delete(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
