"""What `snapline broker` prints."""

from typing import Any

from producers.cli.shapes.base import Shape


class Definitions(Shape):
    """What RabbitMQ imports; https://www.rabbitmq.com/docs/definitions has the fields of each."""

    users: list[dict[str, Any]] | None = None
    vhosts: list[dict[str, Any]]
    permissions: list[dict[str, Any]] | None = None
    topic_permissions: list[dict[str, Any]] | None = None
    policies: list[dict[str, Any]]
    exchanges: list[dict[str, Any]]
    queues: list[dict[str, Any]]
    bindings: list[dict[str, Any]]
