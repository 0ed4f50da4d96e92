"""What is printed of notifications."""

from datetime import datetime
from typing import Literal

from producers.cli.shapes.base import Shape


class Notification(Shape):
    """A target of notifications and its rule; without `apps`, of all. Of one that cannot be read, what the `problem`
    is."""

    name: str
    kind: str
    place: str
    problem: str
    events: list[str] = []
    apps: list[str] = []
    severity: Literal["info", "warning", "error"] = "info"
    digest: str = ""
    allow_private: bool = False
    from_environment: bool = False
    signed: bool = False


class Tried(Shape):
    """What became of a test; `response` is the code of an HTTP server's answer."""

    target: str
    status: Literal["delivered", "failed"]
    response: int | None
    reason: str


class Delivery(Shape):
    """What became of telling a target of an event, or with a digest of several."""

    id: str
    target: str
    event: str
    type: str
    subject: str
    severity: Literal["info", "warning", "error"]
    status: Literal["delivered", "waiting", "failed", "collected"]
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    response: int | None
    reason: str


class Objective(Shape):
    """How old the last good backup of an application may be."""

    app: str
    objective_seconds: int
