"""RabbitMQ, and how each service gets an account of its own there.

Before it starts, a container of our image makes the accounts: a Secret for each service, unless it is there, and the
definitions that RabbitMQ loads. So nobody has to invent passwords, and none is in a file.
"""

from typing import Any

from producers.installing import cluster_operator
from producers.installing.accounts import BROKER, GROUP
from producers.installing.components import COMPONENTS, NODE
from producers.installing.objects import PART, PART_OF, made, selector
from producers.installing.options import Options
from producers.installing.pods import TEMPORARY, broker_secret, resources, unprivileged
from schemas import events
from schemas.kubernetes import Object

AMQP, METRICS = 5672, 15692
USER = 999
"""Of the official image."""
MEMORY = 1024
DATA, CONFIG, DEFINITIONS = "/var/lib/rabbitmq", "/etc/rabbitmq/conf.d", "/etc/snapline"
ACCESS = "/var/run/secrets/kubernetes.io/serviceaccount"
Json = dict[str, Any]
RESOURCES: Json = {
    "requests": {"cpu": "100m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
    "limits": {"memory": f"{MEMORY}Mi", "ephemeral-storage": "1Gi"},
}
POD_RIGHTS: Json = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",  # else its cookie may be read by the group when it comes again: it refuses
    "seccompProfile": {"type": "RuntimeDefault"},
}


def broker(options: Options) -> list[Object]:
    """What there is of it in the cluster."""
    if options.broker == "external":
        return []
    if options.broker == "operator":
        return [*maker(options, f"{BROKER}-server"), cluster_operator.rabbitmq_cluster(options)]
    account = made("v1", "ServiceAccount", BROKER, options.namespace)
    return [account, *maker(options, BROKER), config(options), service(options), stateful_set(options)]


def configuration() -> str:
    """For RabbitMQ. Memory as a part of the container's, which it cannot see everywhere."""
    return "\n".join(
        [
            "# The longest event, in bytes: what is longer is refused before it is in a queue or the event log.",
            f"max_message_size = {events.MAX_BODY}",
            f"load_definitions = {DEFINITIONS}/definitions.json",
            f"vm_memory_high_watermark.absolute = {MEMORY * 6 // 10}MiB",
            "disk_free_limit.absolute = 1GB",
            "log.console = true",
            "",
        ]
    )


def config(options: Options) -> Object:
    """RabbitMQ's files."""
    data = {"90-snapline.conf": configuration(), "enabled_plugins": "[rabbitmq_prometheus].\n"}
    return made("v1", "ConfigMap", BROKER, options.namespace, labels=selector(BROKER), data=data)


def service(options: Options) -> Object:
    """Where the workers find it; also the name of its pod, which its data belongs to."""
    ports = [
        {"name": "amqp", "port": AMQP, "targetPort": "amqp"},
        {"name": "prometheus", "port": METRICS, "targetPort": "prometheus"},
    ]
    return made(
        "v1",
        "Service",
        BROKER,
        options.namespace,
        labels=selector(BROKER),
        spec={"clusterIP": "None", "publishNotReadyAddresses": False, "selector": selector(BROKER), "ports": ports},
    )


def maker(options: Options, account: str) -> list[Object]:
    """What the account may do that makes accounts. "create" cannot be limited to a name."""
    found: list[Object] = []
    for place, names in _secrets(options).items():
        why = "Makes the Secrets with the services' accounts on the broker, and reads those that are there."
        rules = [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["get"]},
        ]
        name = "snapline.broker-accounts" + ("" if place == options.namespace else ".nodes")
        subject = {"kind": "ServiceAccount", "name": account, "namespace": options.namespace}
        found += [
            made(f"{GROUP}/v1", "Role", name, place, why=why, rules=rules),
            made(
                f"{GROUP}/v1",
                "RoleBinding",
                name,
                place,
                roleRef={"apiGroup": GROUP, "kind": "Role", "name": name},
                subjects=[subject],
            ),
        ]
    return found


def _secrets(options: Options) -> dict[str, list[str]]:
    return {
        options.namespace: [broker_secret(component.name) for component in COMPONENTS],
        options.nodes_namespace: [broker_secret(NODE.name)],
    }


def stateful_set(options: Options) -> Object:
    """One RabbitMQ. While it moves to another node everything waits, and nothing is lost."""
    named = {"storageClassName": options.storage_class} if options.storage_class else {}
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            **named,
            "resources": {"requests": {"storage": options.rabbitmq_storage}},
        },
    }
    return made(
        "apps/v1",
        "StatefulSet",
        BROKER,
        options.namespace,
        labels=selector(BROKER),
        spec={
            "serviceName": BROKER,
            "replicas": 1,
            "selector": {"matchLabels": selector(BROKER)},
            "template": {
                "metadata": {"labels": {**selector(BROKER), PART_OF: PART}},
                "spec": {
                    "serviceAccountName": BROKER,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 120,
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "securityContext": POD_RIGHTS,
                    "initContainers": [accounts_container(options)],
                    "containers": [_rabbitmq(options)],
                    "volumes": [
                        {"name": "config", "configMap": {"name": BROKER}},
                        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
                        *accounts_volumes(),
                    ],
                },
            },
            "volumeClaimTemplates": [claim],
        },
    )


def accounts_container(options: Options) -> Json:
    """Makes the accounts and the definitions; it alone has a way to the API server."""
    return {
        "name": "accounts",
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "make-accounts",
            f"{DEFINITIONS}/definitions.json",
            *("--namespace", options.namespace),
            *("--nodes-namespace", options.nodes_namespace),
            *("--broker", f"{BROKER}.{options.namespace}.svc:{AMQP}"),
            *(("--members", str(cluster_operator.MEMBERS)) if options.broker == "operator" else ()),
        ],
        "resources": resources(256),
        "securityContext": unprivileged(),
        "volumeMounts": [
            {"name": "definitions", "mountPath": DEFINITIONS},
            {"name": "access", "mountPath": ACCESS, "readOnly": True},
            {"name": "tmp", "mountPath": TEMPORARY},
        ],
    }


def accounts_volumes() -> list[Json]:
    """The definitions, which have hashes of passwords, and the way to the API server."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    return [
        {"name": "definitions", "emptyDir": {"sizeLimit": "8Mi"}},
        {"name": "access", "projected": {"sources": sources}},
    ]


def _rabbitmq(options: Options) -> Json:
    return {
        "name": "rabbitmq",
        "image": options.rabbitmq_image,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "RABBITMQ_ENABLED_PLUGINS_FILE", "value": f"{CONFIG}/enabled_plugins"},
            {"name": "RABBITMQ_LOGS", "value": "-"},
            {"name": "RABBITMQ_LOG_BASE", "value": f"{DATA}/log"},  # of upgrades and crashes: nothing else is writable
        ],
        "ports": [{"name": "amqp", "containerPort": AMQP}, {"name": "prometheus", "containerPort": METRICS}],
        "readinessProbe": {"tcpSocket": {"port": "amqp"}, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {
            "exec": {"command": ["rabbitmq-diagnostics", "-q", "ping"]},
            "initialDelaySeconds": 120,
            "periodSeconds": 60,
            "timeoutSeconds": 30,
            "failureThreshold": 5,
        },
        "resources": RESOURCES,
        "securityContext": unprivileged(),
        "volumeMounts": [
            {"name": "data", "mountPath": DATA},
            {"name": "config", "mountPath": CONFIG, "readOnly": True},
            {"name": "definitions", "mountPath": DEFINITIONS, "readOnly": True},
            {"name": "tmp", "mountPath": TEMPORARY},
        ],
    }
