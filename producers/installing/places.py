"""Namespaces with what PodSecurity may let in, and what all components are told."""

from producers.installing.components import PROBES
from producers.installing.objects import made
from producers.installing.options import Options
from producers.installing.pods import CACHE, KEYS, SETTINGS
from schemas.kubernetes import Object
from schemas.services import trusted_users

_SECURITY = "pod-security.kubernetes.io"


def namespaces(options: Options) -> list[Object]:
    """Ours. The console's is not deleted with the rest, and may be there already."""
    return [
        _namespace(options.namespace, "restricted", "The line: nothing here needs a privilege."),
        _namespace(
            options.nodes_namespace,
            "privileged",
            "The workers of nodes, and nothing else: they mount a directory of their host.",
        ),
        made(
            "v1",
            "Namespace",
            options.console_namespace,
            why="The admin console's, with destinations, applications, schedules and users as Secrets and ConfigMaps.",
        ),
    ]


def settings(options: Options) -> list[Object]:
    """For the line and for the workers of nodes."""
    told = {
        "SNAPLINE_CONSOLE_NAMESPACE": options.console_namespace,
        "SNAPLINE_TRUSTED_USERS": trusted_users(any_node=True),
        "SNAPLINE_HELPER_IMAGE": options.helper_image,
        "SNAPLINE_LICENSE_KEYS": KEYS,
        "SNAPLINE_CACHE": CACHE,
        "SNAPLINE_PROBE_ADDRESS": f"0.0.0.0:{PROBES}",
    }
    places = (options.namespace, options.nodes_namespace)
    return [made("v1", "ConfigMap", SETTINGS, place, data=told) for place in places]


def _namespace(name: str, level: str, why: str) -> Object:
    labels = {f"{_SECURITY}/{mode}": level for mode in ("enforce", "audit", "warn")}
    labels["kubernetes.io/metadata.name"] = name  # as servers from 1.21 on do by themselves
    return made("v1", "Namespace", name, why=why, labels=labels)
