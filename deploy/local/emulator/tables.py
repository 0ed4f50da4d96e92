"""Lists as tables, which kubectl asks the API server for and prints as they come."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.kubernetes import Object

ASKED = "as=Table"
"""In the Accept header of who wants a table."""
Column = tuple[str, Callable[[Object], Any]]


def table(objects: Sequence[Object], kind: str, metadata: Object) -> Object:
    """The objects, which are of one kind, as a meta.k8s.io/v1 Table."""
    columns = (("Name", _name), *COLUMNS.get(kind, ()), ("Age", _age))
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "Table",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": 0,
            }
            for name, _ in columns
        ],
        "rows": [{"cells": [cell(obj) for _, cell in columns], "object": _partial(obj)} for obj in objects],
    }


def _partial(obj: Object) -> Object:
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": obj["metadata"]}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object) -> str:
    made = obj["metadata"].get("creationTimestamp")
    if not made:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(made)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _at(*path: str) -> Callable[[Object], str]:
    """What stands there, or nothing."""

    def cell(obj: Object) -> str:
        found: Any = obj
        for name in path:
            found = (found or {}).get(name) if isinstance(found, dict | None) else None
        return ",".join(map(str, found)) if isinstance(found, list) else "" if found is None else str(found)

    return cell


def _ready(obj: Object) -> str:
    """Containers that are ready, of all."""
    wanted = len(obj["spec"].get("containers") or ())
    told = (obj.get("status") or {}).get("containerStatuses") or ()
    runs = (obj.get("status") or {}).get("phase") == "Running"
    return f"{sum(bool(each.get('ready')) for each in told) if told else wanted * runs}/{wanted}"


def _replicas(obj: Object) -> str:
    return f"{(obj.get('status') or {}).get('readyReplicas') or 0}/{obj['spec'].get('replicas', 1)}"


COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (("Ready", _ready), ("Status", _at("status", "phase")), ("Restarts", lambda _: "0")),
    "PersistentVolumeClaim": (
        ("Status", _at("status", "phase")),
        ("Volume", _at("spec", "volumeName")),
        ("Capacity", _at("spec", "resources", "requests", "storage")),
        ("Access Modes", _at("spec", "accessModes")),
        ("StorageClass", _at("spec", "storageClassName")),
    ),
    "Namespace": (("Status", _at("status", "phase")),),
    "Deployment": (("Ready", _replicas),),
    "StatefulSet": (("Ready", _replicas),),
    "Service": (("Type", _at("spec", "type")), ("Cluster-IP", _at("spec", "clusterIP"))),
    "Secret": (("Type", _at("type")),),
}
