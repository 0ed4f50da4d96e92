"""Deployments of the line, the DaemonSet of the workers on nodes, and Services."""

from typing import Any

from producers.installing.components import COMPONENTS, NODE, Component
from producers.installing.objects import PART, PART_OF, dashed, made, selector
from producers.installing.options import Options
from producers.installing.pods import common, container, scratch, scratch_mounts, template
from schemas.kubernetes import Object
from schemas.settings import Settings

KUBELET_PODS = str(Settings.model_fields["kubelet_pods"].default)
"""Where a worker looks for the volumes of its node."""
CAPABILITIES = {
    "CHOWN": "gives files back to their owners",
    "DAC_OVERRIDE": "reads and writes files whoever may",
    "FOWNER": "sets modes, times and attributes of files of others",
    "FSETID": "keeps set-user-id and set-group-id of files of others",
    "MKNOD": "makes devices that were in a volume",
    "SETFCAP": "gives back the capabilities of files",
}
"""What the worker of a node may do beyond an ordinary process, and why: what files have, it gives back."""
MOUNTING = (
    "Copies and restores the volumes of its node's pods, as the kubelet has mounted them. The directory cannot be "
    "mounted read-only: the same worker writes what is restored, into volumes of pods that wait for it. It is root, "
    "as files are anybody's, with these capabilities and no others: "
    + "; ".join(f"{name} {reason}" for name, reason in CAPABILITIES.items())
    + ". It is not privileged, makes no mounts, and shares no namespace of the host."
)


def workloads(options: Options) -> list[Object]:
    """All that runs but RabbitMQ."""
    return [*(deployment(component, options) for component in COMPONENTS), daemon_set(options), *services(options)]


def replicas(component: Component, options: Options) -> int:
    """How many of it."""
    return options.replicas if component.many else 1


def deployment(component: Component, options: Options) -> Object:
    """A component that is bound to no node. A new one starts before the old one goes; both may run at a time."""
    return made(
        "apps/v1",
        "Deployment",
        dashed(component.name),
        options.namespace,
        labels=selector(component.name),
        spec={
            "replicas": replicas(component, options),
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector(component.name)},
            "template": _spread(template(component, options), component, options),
        },
    )


def daemon_set(options: Options) -> Object:
    """The workers of nodes, one on each. What waits for a node waits while its worker is replaced."""
    return made(
        "apps/v1",
        "DaemonSet",
        NODE.name,
        options.nodes_namespace,
        why=MOUNTING,
        labels=selector(NODE.name),
        spec={
            "selector": {"matchLabels": selector(NODE.name)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
            "template": _on_node(options),
        },
    )


def services(options: Options) -> list[Object]:
    """What others connect to."""
    return [
        made(
            "v1",
            "Service",
            dashed(component.name),
            options.namespace,
            labels=selector(component.name),
            spec={
                "selector": selector(component.name),
                "ports": [{"name": "http", "port": component.port, "targetPort": "http"}],
            },
        )
        for component in COMPONENTS
        if component.port
    ]


def _spread(template: dict[str, Any], component: Component, options: Options) -> dict[str, Any]:
    """Replicas on different nodes, where there are any."""
    if replicas(component, options) > 1:
        template["spec"]["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(component.name)},
            }
        ]
    return template


def _on_node(options: Options) -> dict[str, Any]:
    pods = {"name": "pods", "mountPath": KUBELET_PODS, "mountPropagation": "HostToContainer"}
    worker = container(NODE, options)
    return {
        "metadata": {"labels": {**selector(NODE.name), PART_OF: PART}},
        "spec": {
            "serviceAccountName": NODE.name,
            **common(),
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsUser": 0, "runAsGroup": 0, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    **worker,
                    "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"], "add": list(CAPABILITIES)},
                    },
                    "volumeMounts": [*scratch_mounts(), pods],
                }
            ],
            "volumes": [*scratch(), {"name": "pods", "hostPath": {"path": options.kubelet_pods, "type": "Directory"}}],
        },
    }
