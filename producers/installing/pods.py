"""The pod of a component: no more rights, memory and disk than its work needs."""

from typing import Any

from producers.installing.components import PROBES, Component
from producers.installing.objects import PART, PART_OF, dashed, selector
from producers.installing.options import Options
from schemas.kubernetes import Object
from schemas.services import CONSOLE

GRACE = 75
"""Seconds to stop in: a worker lets running work end for 60."""
USER = 10001
"""Of the image; nobody on the host."""
CACHE, KEYS, TEMPORARY = "/var/cache/snapline", "/etc/snapline/license-keys", "/tmp"  # noqa: S108  # of the pod alone
SETTINGS = "settings"
"""ConfigMap with what all need to know, and optional Secret with what else somebody wants to set."""
LICENSE_KEYS = "license-keys"
"""Optional ConfigMap with the trusted keys of licenses, `<key id>.pem` each."""
Json = dict[str, Any]


def broker_secret(service: str) -> str:
    """The Secret with a service's address of the broker, which holds its password."""
    return f"broker-{dashed(service)}"


def template(component: Component, options: Options) -> Json:
    """The pod template of one that needs no more than the network."""
    return {
        "metadata": {"labels": {**selector(component.name), PART_OF: PART}},
        "spec": {
            "serviceAccountName": component.name,
            **common(),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    **container(component, options),
                    "securityContext": unprivileged(),
                    "volumeMounts": [*scratch_mounts(), {"name": "license-keys", "mountPath": KEYS, "readOnly": True}],
                }
            ],
            "volumes": [*scratch(), {"name": "license-keys", "configMap": {"name": LICENSE_KEYS, "optional": True}}],
        },
    }


def common() -> Json:
    """Names of Services must not become settings: a misspelt setting stops the program."""
    return {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "nodeSelector": {"kubernetes.io/os": "linux"},
    }


def container(component: Component, options: Options) -> Json:
    """Without volumes and rights."""
    return {
        "name": "snapline",
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(component.arguments),
        "envFrom": [
            {"configMapRef": {"name": SETTINGS}},
            {"secretRef": {"name": SETTINGS, "optional": True}},
            {"secretRef": {"name": broker_secret(component.name)}},
        ],
        "ports": ports(component),
        **probes(component),
        "resources": resources(component.memory),
    }


def resources(memory: int) -> Json:
    """No limit of processor time: a worker that is throttled holds its messages longer, and helps nobody."""
    return {
        "requests": {"cpu": "20m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
        "limits": {"memory": f"{memory}Mi", "ephemeral-storage": "6Gi"},
    }


def unprivileged() -> Json:
    """Nothing that is not a process's own."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def ports(component: Component) -> list[Json]:
    """What it serves."""
    served = [{"name": "http", "containerPort": component.port}] if component.port else []
    return [*served, {"name": "probes", "containerPort": PROBES}]


def probes(component: Component) -> Json:
    """Whether its threads live and none hangs (restart it if not), and whether it has its queue. A server's own threads
    answer for themselves, without asking anybody."""
    live: Json = {"httpGet": {"path": "/live", "port": "probes"}}
    ready: Json = {"httpGet": {"path": "/ready", "port": "probes"}}
    if component.name == CONSOLE:
        live = ready = {"httpGet": {"path": "/static/console.css", "port": "http"}}
    elif component.port:
        ready = {"tcpSocket": {"port": "http"}}
    return {
        "startupProbe": _often(live),
        "readinessProbe": {**ready, "periodSeconds": 10, "timeoutSeconds": 5},
        "livenessProbe": _seldom(live),
    }


def _often(asked: Json) -> Json:
    """Until it has started, which takes as long as the broker does."""
    return {**asked, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 150}


def _seldom(asked: Json) -> Json:
    return {**asked, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 4}


def scratch() -> list[Object]:
    """What a read-only root leaves to be written: all of it may be lost at any time."""
    return [
        {"name": "cache", "emptyDir": {"sizeLimit": "4Gi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
    ]


def scratch_mounts() -> list[Json]:
    """Where that is."""
    return [{"name": "cache", "mountPath": CACHE}, {"name": "tmp", "mountPath": TEMPORARY}]
