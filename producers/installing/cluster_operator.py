"""RabbitMQ on three nodes, run by RabbitMQ's cluster operator (https://www.rabbitmq.com/kubernetes/operator)."""

from typing import Any

from producers.installing import broker
from producers.installing.accounts import BROKER
from producers.installing.objects import made, selector
from producers.installing.options import Options
from producers.installing.pods import unprivileged
from schemas.kubernetes import Object

API = "rabbitmq.com/v1beta1"
MEMBERS = 3
ACCOUNT = f"{BROKER}-server"
"""What the operator calls the account of the pods."""
PODS = {"app.kubernetes.io/name": BROKER, "app.kubernetes.io/component": "rabbitmq"}
"""How it labels them."""
CLUSTERING = (4369, 25672)
"""Ports by which RabbitMQ's nodes talk among themselves."""
MANAGEMENT = 15672
"""By which the operator looks at them."""
GROWING = """\
quorum_queue.continuous_membership_reconciliation.enabled = true
quorum_queue.continuous_membership_reconciliation.target_group_size = 3
"""
"""A queue that was declared before all nodes were there gets its copies when they are."""


def rabbitmq_cluster(options: Options) -> Object:
    """What the operator is asked for. A container of ours goes before RabbitMQ's, as with a single one."""
    storage = {"storage": options.rabbitmq_storage}
    named = {"storageClassName": options.storage_class} if options.storage_class else {}
    return made(
        API,
        "RabbitmqCluster",
        BROKER,
        options.namespace,
        labels=selector(BROKER),
        spec={
            "replicas": MEMBERS,
            "image": options.rabbitmq_image,
            "persistence": {**named, **storage},
            "resources": broker.RESOURCES,
            "rabbitmq": {"additionalConfig": broker.configuration() + GROWING},
            "override": {"statefulSet": {"spec": {"template": {"spec": _pod(options)}}}},
        },
    )


def _pod(options: Options) -> dict[str, Any]:
    """Merged into what the operator makes: the accounts, and no more rights than the namespace lets in."""
    rights = {key: value for key, value in unprivileged().items() if key != "readOnlyRootFilesystem"}
    definitions = {"name": "definitions", "mountPath": broker.DEFINITIONS, "readOnly": True}
    return {
        "enableServiceLinks": False,
        "securityContext": broker.POD_RIGHTS,
        "initContainers": [
            {"name": "setup-container", "securityContext": rights},
            broker.accounts_container(options),
        ],
        "containers": [{"name": "rabbitmq", "securityContext": rights, "volumeMounts": [definitions]}],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *broker.accounts_volumes()],
    }
