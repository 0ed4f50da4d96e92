"""What became of telling a target: the record that a second run finds, and that people look at."""

from collections.abc import Callable
from datetime import datetime

from schemas import keys
from schemas.messages import Message
from schemas.news import News
from schemas.notification import Target
from schemas.records import NotificationDelivery
from workers.jobs import ledger
from workers.ports import Answer, ObjectStore

Send = Callable[[Target, News], Answer]
"""Tells the target. Does not raise what a target's server may do."""


def find(store: ObjectStore, target: Target, event_id: str) -> NotificationDelivery | None:
    """What became of telling it."""
    return ledger.find(store, keys.notification(event_id, target.name), NotificationDelivery)


def probe(store: ObjectStore, event_id: str) -> None:
    """Raises what reading and writing records of the event would."""
    for _ in store.list(keys.notification(event_id, "")):
        return


def attempt(
    before: NotificationDelivery | None, target: Target, news: News, send: Send, now: Callable[[], datetime]
) -> NotificationDelivery:
    """Tells the target once more; the record of that, which is not written yet."""
    answer = send(target, news)
    status = {"delivered": "delivered", "busy": "waiting", "refused": "failed"}[answer.status]
    made = of(target, news, now(), before)
    told = {"status": status, "attempts": made.attempts + 1, "response": answer.response, "reason": answer.reason}
    return made.model_copy(update=told)


def of(target: Target, news: News, now: datetime, before: NotificationDelivery | None = None) -> NotificationDelivery:
    """A record of the news for the target, as it is before it is told."""
    return NotificationDelivery(
        target=target.name,
        event=news.id,
        type=news.type,
        subject=news.subject,
        severity=news.severity,
        status="waiting",
        attempts=before.attempts if before else 0,
        first_at=before.first_at if before and before.first_at else now,
        last_at=now,
        body=news.body.decode(),
    )


def keep(store: ObjectStore, delivery: NotificationDelivery) -> None:
    """Writes the record."""
    ledger.put(store, keys.notification(delivery.event, delivery.target), delivery)


def failed(delivery: NotificationDelivery, why: Message) -> NotificationDelivery:
    """The record of what is not tried again."""
    return delivery.model_copy(update={"status": "failed", "reason": why})
