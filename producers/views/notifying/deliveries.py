"""The delivery log: what became of telling targets of events."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import keys
from schemas.errors import Code, Damaged, NotFound
from schemas.events import Severity
from schemas.messages import Message
from schemas.records import NotificationDelivery, NotificationStatus, decode
from workers.ports import ObjectStore

MOST_READ = 2_000
"""Records that a list looks at, the newest first."""


@dataclass(frozen=True)
class DeliveryView:
    """What became of one. `id` is what it is called here; `response` is the code of the last answer, where the target
    is an HTTP server. Times are UTC."""

    id: str
    target: str
    event: str
    type: str
    subject: str
    severity: Severity
    status: NotificationStatus
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    response: int | None
    reason: Message | None


def deliveries(
    store: ObjectStore, *, target: str | None = None, status: str | None = None, limit: int = 100
) -> list[DeliveryView]:
    """The newest, of one target or in one status if so asked. They are kept for 30 days."""
    found: list[DeliveryView] = []
    for key, record in _newest(store, target):
        if status is None or record.status == status:
            found.append(view(key, record))
        if len(found) >= limit:
            break
    return found


def delivery(store: ObjectStore, id_: str) -> NotificationDelivery:
    """The record of one. Raises NotFound (`NoSuchDelivery`)."""
    for each in store.list(keys.NOTIFICATIONS):
        if _id(each.key) == id_:
            return decode(NotificationDelivery, each.key, store.get(each.key))
    raise NotFound(f"there is no delivery {id_!r:.80}", code=Code.NO_SUCH_DELIVERY, subject=id_)


def view(key: str, record: NotificationDelivery) -> DeliveryView:
    """One delivery as people see it."""
    return DeliveryView(
        id=_id(key),
        target=record.target,
        event=record.event,
        type=record.type,
        subject=record.subject,
        severity=record.severity,
        status=record.status,
        attempts=record.attempts,
        first_at=record.first_at,
        last_at=record.last_at,
        response=record.response,
        reason=record.reason,
    )


def _newest(store: ObjectStore, target: str | None) -> Iterator[tuple[str, NotificationDelivery]]:
    listed = list(store.list(keys.NOTIFICATIONS))
    if target is not None:
        ending = keys.notification("", target).rpartition("/")[2]
        listed = [each for each in listed if each.key.endswith(f"/{ending}")]
    for each in sorted(listed, key=lambda each: (each.modified, each.key), reverse=True)[:MOST_READ]:
        try:
            yield each.key, decode(NotificationDelivery, each.key, store.get(each.key))
        except (NotFound, Damaged):
            continue  # it went meanwhile, or is none of ours


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:10]
