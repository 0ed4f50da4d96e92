"""What all objects have in common: how they are called, labelled and explained."""

from collections.abc import Mapping
from typing import Any

from schemas.kubernetes import Object

WHY = "kubernetes.io/description"
"""Annotation with the reason for an object (https://kubernetes.io/docs/reference/labels-annotations-taints/)."""
NAME, COMPONENT, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/part-of"
PART = "snapline"


def dashed(name: str) -> str:
    """A service's name where Kubernetes takes no dots."""
    return name.replace(".", "-")


def selector(component: str = "") -> dict[str, str]:
    """The labels by which a component's pods are found; those of all, without one."""
    return {NAME: PART} | ({COMPONENT: component} if component else {})


def made(
    api_version: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    why: str = "",
    labels: Mapping[str, str] | None = None,
    **rest: Any,
) -> Object:
    """An object. `why` is what a reader of the cluster is told about it."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["labels"] = {PART_OF: PART, **(labels or {})}
    if why:
        metadata["annotations"] = {WHY: why}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
