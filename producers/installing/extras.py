"""What not every cluster has, or wants: an Ingress, budgets for disruptions, KEDA, Prometheus' operator."""

from producers.installing.components import COMPONENTS
from producers.installing.objects import COMPONENT, PART, dashed, made, selector
from producers.installing.options import Options
from producers.installing.pods import broker_secret
from producers.installing.workloads import replicas
from schemas.kubernetes import Object
from schemas.services import CONSOLE
from schemas.topology import QUEUES

WAITING_EACH = 10
"""So many waiting messages for each worker are not worth another one."""
CALM = 300
"""Seconds without need for a worker before it is stopped."""
KEDA = "keda.sh/v1alpha1"
PROMETHEUS = "monitoring.coreos.com/v1"


def extras(options: Options) -> list[Object]:
    """Those that were chosen."""
    return [
        *([ingress(options)] if options.ingress_host else []),
        *(budgets(options) if options.budgets else []),
        *(scaling(options) if options.most_replicas else []),
        *(monitors(options) if options.pod_monitors else []),
    ]


def ingress(options: Options) -> Object:
    """The console for browsers. It streams what happens, so proxies must not buffer."""
    backend = {"service": {"name": CONSOLE, "port": {"name": "http"}}}
    rule = {"host": options.ingress_host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    tls = {
        "hosts": [options.ingress_host],
        **({"secretName": options.ingress_secret} if options.ingress_secret else {}),
    }
    named = {"ingressClassName": options.ingress_class} if options.ingress_class else {}
    made_ = made(
        "networking.k8s.io/v1",
        "Ingress",
        CONSOLE,
        options.namespace,
        labels=selector(CONSOLE),
        spec={**named, "tls": [tls], "rules": [rule]},
    )
    made_["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/proxy-buffering": "off"}
    return made_


def monitors(options: Options) -> list[Object]:
    """Prometheus asks every pod where its probes are. Its namespace needs the label that the policy looks for."""
    return [
        made(
            PROMETHEUS,
            "PodMonitor",
            PART,
            namespace,
            spec={
                "selector": {"matchLabels": selector()},
                "podTargetLabels": [COMPONENT],
                "podMetricsEndpoints": [{"port": "probes", "path": "/metrics"}],
            },
        )
        for namespace in (options.namespace, options.nodes_namespace)
    ]


def budgets(options: Options) -> list[Object]:
    """For what has more than one replica: a budget for a single one would only keep its node from being drained."""
    return [
        made(
            options.budgets,
            "PodDisruptionBudget",
            dashed(component.name),
            options.namespace,
            labels=selector(component.name),
            spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(component.name)}},
        )
        for component in COMPONENTS
        if replicas(component, options) > 1 or (component.many and options.most_replicas > 1)
    ]


def scaling(options: Options) -> list[Object]:
    """KEDA looks at a queue as its own worker, which may not look at others."""
    return [
        obj
        for component in COMPONENTS
        if component.many and component.name in QUEUES
        for obj in (
            made(
                KEDA,
                "TriggerAuthentication",
                dashed(component.name),
                options.namespace,
                spec={
                    "secretTargetRef": [
                        {"parameter": "host", "name": broker_secret(component.name), "key": "SNAPLINE_AMQP_URL"}
                    ]
                },
            ),
            made(
                KEDA,
                "ScaledObject",
                dashed(component.name),
                options.namespace,
                labels=selector(component.name),
                spec={
                    "scaleTargetRef": {"name": dashed(component.name)},
                    "minReplicaCount": options.replicas,
                    "maxReplicaCount": options.most_replicas,
                    "cooldownPeriod": CALM,
                    "triggers": [
                        {
                            "type": "rabbitmq",
                            "metadata": {
                                "protocol": "amqp",
                                "queueName": component.name,
                                "mode": "QueueLength",
                                "value": str(WAITING_EACH),
                            },
                            "authenticationRef": {"name": dashed(component.name)},
                        }
                    ],
                },
            ),
        )
    ]
