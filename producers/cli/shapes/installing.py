"""What is printed of an installation."""

from typing import Any, Literal

from producers.cli.shapes.base import Shape


class Objects(Shape):
    """A List of Kubernetes objects, as kubectl takes it."""

    apiVersion: Literal["v1"]  # noqa: N815  # Kubernetes' name
    kind: Literal["List"]
    items: list[dict[str, Any]]


class Finding(Shape):
    """What a cluster was looked at for. What is unknown nobody could say."""

    what: str
    state: Literal["ok", "lacking", "unknown"]
    said: str
    to_do: str
