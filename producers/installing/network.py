"""Who may talk to whom: nobody, but for what is said here.

The API server has no labels to choose it by, and object stores are outside of the cluster, so both are reached by
their ports, at whatever address.
"""

from collections.abc import Mapping
from typing import Any

from producers.installing import cluster_operator
from producers.installing.accounts import BROKER
from producers.installing.broker import AMQP, METRICS
from producers.installing.components import COMPONENTS, NODE, PROBES
from producers.installing.objects import COMPONENT, dashed, made, selector
from producers.installing.options import Options
from schemas.kubernetes import Object

API = "networking.k8s.io/v1"
API_SERVER = 6443
"""Its usual port; from inside it is 443, but policies see the one behind the Service."""
NODE_LOCAL_DNS = "169.254.20.10/32"
MONITORING = {"snapline.dev/monitoring": "true"}
"""Label of a namespace whose pods may read metrics."""
ANYBODY: dict[str, Any] = {"namespaceSelector": {}}
Json = dict[str, Any]


def policies(options: Options) -> list[Object]:
    """Of both namespaces."""
    places = (options.namespace, options.nodes_namespace)
    return [
        *(policy for place in places for policy in _everywhere(place, options)),
        *(_served(component.name, options.namespace) for component in COMPONENTS if component.port),
        _anywhere(options),
    ]


def broker_policies(options: Options) -> list[Object]:
    """Of our RabbitMQ."""
    if options.broker == "external":
        return []
    return [_to_broker(options), *([_between_brokers(options)] if options.broker == "operator" else [])]


def _brokers(options: Options) -> dict[str, str]:
    """The labels of RabbitMQ's pods."""
    return cluster_operator.PODS if options.broker == "operator" else selector(BROKER)


def _between_brokers(options: Options) -> Object:
    """RabbitMQ's nodes among themselves; the operator is in a namespace of its own, and looks at them."""
    ports = [_tcp(port) for port in cluster_operator.CLUSTERING]
    peers = [{"podSelector": {"matchLabels": _brokers(options)}}]
    return made(
        API,
        "NetworkPolicy",
        f"{BROKER}-nodes",
        options.namespace,
        spec={
            "podSelector": {"matchLabels": _brokers(options)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": peers, "ports": ports},
                {"from": [ANYBODY], "ports": [_tcp(cluster_operator.MANAGEMENT)]},
            ],
            "egress": [{"to": peers, "ports": ports}],
        },
    )


def _everywhere(place: str, options: Options) -> list[Object]:
    """Nothing; then what all need. The names differ between namespaces: kubectl 1.20 patches by kind and name."""
    both, suffix = ["Ingress", "Egress"], "" if place == options.namespace else "-nodes"
    outside = [API_SERVER, *options.store_ports]
    broker = (
        [{"to": [_pods(options.namespace, _brokers(options))], "ports": [_tcp(AMQP)]}]
        if options.broker != "external"
        else [{"ports": [_tcp(5671), _tcp(AMQP)]}]
    )
    return [
        made(API, "NetworkPolicy", f"deny{suffix}", place, spec={"podSelector": {}, "policyTypes": both}),
        made(
            API,
            "NetworkPolicy",
            f"all{suffix}",
            place,
            why="Names, the broker, and the ports of the API server and of object stores.",
            spec={
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [
                    {
                        "to": [ANYBODY, {"ipBlock": {"cidr": NODE_LOCAL_DNS}}],
                        "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)],
                    },
                    *broker,
                    {"ports": [_tcp(port) for port in dict.fromkeys(outside)]},
                ],
            },
        ),
        made(
            API,
            "NetworkPolicy",
            f"metrics{suffix}",
            place,
            why="For pods of namespaces with the label snapline.dev/monitoring=true.",
            spec={
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {
                        "from": [{"namespaceSelector": {"matchLabels": MONITORING}}],
                        "ports": [_tcp(PROBES), _tcp(METRICS)],
                    }
                ],
            },
        ),
    ]


def _to_broker(options: Options) -> Object:
    """From our pods only."""
    return made(
        API,
        "NetworkPolicy",
        BROKER,
        options.namespace,
        spec={
            "podSelector": {"matchLabels": _brokers(options)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"podSelector": {}}, _pods(options.nodes_namespace, selector(NODE.name))],
                    "ports": [_tcp(AMQP)],
                }
            ],
        },
    )


def _served(component: str, place: str) -> Object:
    """From anywhere: who may do what is asked by password and token."""
    return made(
        API,
        "NetworkPolicy",
        dashed(component),
        place,
        spec={
            "podSelector": {"matchLabels": selector(component)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": "http"}]}],
        },
    )


def _anywhere(options: Options) -> Object:
    """What people choose: webhooks, mail servers, providers of sign-on."""
    names = [component.name for component in COMPONENTS if component.to_everybody]
    chosen = {"matchExpressions": [{"key": COMPONENT, "operator": "In", "values": names}]}
    return made(
        API,
        "NetworkPolicy",
        "anywhere",
        options.namespace,
        why="Notifications go wherever people say, and the console tries them; it also asks the provider of sign-on.",
        spec={"podSelector": chosen, "policyTypes": ["Egress"], "egress": [{}]},
    )


def _pods(place: str, labels: Mapping[str, str]) -> Json:
    """Pods with these labels in one of our namespaces, whose names are labels of theirs: servers before 1.21 do not set
    that."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place}},
        "podSelector": {"matchLabels": dict(labels)},
    }


def _tcp(port: int) -> Json:
    return {"protocol": "TCP", "port": port}
