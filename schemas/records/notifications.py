"""The records of notifications: what was told to whom, and what is collected for a digest. They hold no URL and no
key."""

from datetime import datetime
from typing import Literal

from schemas.events import Severity
from schemas.messages import Message
from schemas.records.base import Record

NotificationStatus = Literal["delivered", "waiting", "failed", "collected"]
"""`waiting` is tried again, `failed` is not; what was `collected` is told with a digest."""


class NotificationDelivery(Record):
    """That a target was told of an event, or is to be. `response` is the code of its last answer, where it is an HTTP
    server; `body` is what was told: the event, and of a digest a list of events, as JSON. Records of earlier versions
    say nothing, and are of what was delivered."""

    target: str = ""
    event: str = ""
    type: str = ""
    subject: str = ""
    severity: Severity = "info"
    status: NotificationStatus = "delivered"
    attempts: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    response: int | None = None
    reason: Message | None = None
    body: str = ""


class Collected(Record):
    """An event that waits for its digest, as JSON."""

    event: str


class DigestSending(Record):
    """A digest that is being sent: of these entries, by their keys, and tried for the first time at `since`."""

    id: str
    entries: list[str]
    since: datetime
