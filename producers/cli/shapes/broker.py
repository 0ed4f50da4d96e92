"""What `snapline broker` prints."""

from typing import Any, Literal

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


class Difference(Shape):
    """One thing that is not as it is to be; `waiting` are the messages in a queue, where they were counted."""

    kind: Literal["exchange", "queue", "binding", "policy", "permission", "topic permission"]
    name: str
    state: Literal["missing", "different", "left over"]
    text: str
    waiting: int | None


class Done(Shape):
    """What was done to one thing, and how many messages were moved by it."""

    kind: str
    name: str
    action: str
    moved: int


class Migrated(Shape):
    """What was done, and what is still not as it is to be."""

    done: list[Done]
    left: list[Difference]
