"""Services: addresses and ports that the server chose are removed; those that somebody asked for stay."""

import json
from collections.abc import Iterator
from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.objects import annotations_of, spec_of

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HEADLESS = "None"

Port = tuple[int, str]
"""Number and protocol: what tells the ports of a Service apart, named or not."""


def strip(service: Object) -> None:
    """Removes cluster addresses (except `None`, which makes it headless) and node ports that nobody asked for."""
    spec = service.get("spec") or {}
    if spec.get("clusterIP") != HEADLESS:
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    applied = _last_applied(service)
    asked = {*_applied_ports(applied), *_managed_ports(service)}
    for port in spec.get("ports") or []:
        if _port(port) not in asked:
            port.pop("nodePort", None)
    if not (spec_of(applied).get("healthCheckNodePort") or _is_managed(service, "f:healthCheckNodePort")):
        spec.pop("healthCheckNodePort", None)


def _last_applied(service: Object) -> Object:
    """What `kubectl apply` sent; empty if it did not, or if it cannot be read."""
    try:
        applied = json.loads(annotations_of(service).get(LAST_APPLIED) or "{}")
    except ValueError:
        return {}
    return applied if isinstance(applied, dict) else {}


def _applied_ports(applied: Object) -> Iterator[Port]:
    for port in spec_of(applied).get("ports") or []:
        if isinstance(port, dict) and port.get("nodePort") and port.get("port"):
            yield _port(port)


def _managed_ports(service: Object) -> Iterator[Port]:
    """Ports whose node port some client has set, by the server's own record."""
    for spec in _managed_specs(service):
        for key, fields in (spec.get("f:ports") or {}).items():
            if key.startswith("k:") and "f:nodePort" in (fields or {}):
                yield _port(json.loads(key.removeprefix("k:")))


def _is_managed(service: Object, field: str) -> bool:
    return any(field in spec for spec in _managed_specs(service))


def _managed_specs(service: Object) -> Iterator[dict[str, Any]]:
    for entry in service["metadata"].get("managedFields") or []:
        spec = (entry.get("fieldsV1") or {}).get("f:spec")
        if isinstance(spec, dict):
            yield spec


def _port(port: dict[str, Any]) -> Port:
    return int(port["port"]), port.get("protocol") or "TCP"
