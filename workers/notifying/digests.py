"""Digests: what is collected for a target, and told all at once when that is due.

An entry is written first, then the mark that the event is collected. When a digest is sent, it is written down first of
which entries, so that who is killed in the middle sends the same one again, under the same id; entries go last.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys, notification
from schemas.errors import Code
from schemas.messages import Message
from schemas.news import digest, digest_id, news
from schemas.notification import Target
from schemas.records import Collected, DigestSending, NotificationDelivery
from workers.jobs import ledger
from workers.notifying import deliveries
from workers.notifying.deliveries import Send
from workers.ports import ObjectStore

MOST = 500
"""Events in one digest; the others come in the next."""
PATIENCE = timedelta(days=1)
"""How long a digest is tried again."""
GONE = Message(code=Code.NO_SUCH_NOTIFICATION, text="the target is not there any more")


def collect(store: ObjectStore, target: Target, event: e.AnyEvent, now: datetime) -> None:
    """Keeps the event for the target's next digest, unless it is kept or told already."""
    if deliveries.find(store, target, event.id) is not None:
        return
    entry = keys.digest_entry(target.name, notification.digest_due(target, now), event.id)
    ledger.create(store, entry, Collected(event=e.encode(event).decode()))
    mark = deliveries.of(target, news(event), now).model_copy(update={"status": "collected"})
    ledger.create(store, keys.notification(event.id, target.name), mark)


def tell_due(
    store: ObjectStore, targets: Mapping[str, Target], send: Send, now: Callable[[], datetime]
) -> Iterator[e.Event]:
    """Sends the digests that are due; one event for each that was taken, or will never be."""
    for name, entries in _due(store, now()).items():
        sending = DigestSending(id=digest_id(name, entries), entries=entries, since=now())
        sending = ledger.create(store, keys.digest_sending(name), sending)
        ended = _send(store, sending, targets.get(name), send, now)
        if ended is None:
            continue
        yield from _told(name, ended)
        for key in sending.entries:
            store.delete(key)
        store.delete(keys.digest_sending(name))


def _due(store: ObjectStore, now: datetime) -> dict[str, list[str]]:
    """The keys of the entries that are due, by target; of a digest that is being sent, there may be none any more."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in sorted(each.key for each in store.list(keys.DIGESTS)):
        parsed = keys.parse_digest_entry(key)
        if parsed is None:
            found[key.removeprefix(keys.DIGESTS).partition("/")[0]] += []
        elif parsed[1] <= now and len(found[parsed[0]]) < MOST:
            found[parsed[0]].append(key)
    return {name: entries for name, entries in found.items() if entries or _is_sent(store, name)}


def _is_sent(store: ObjectStore, name: str) -> bool:
    return ledger.exists(store, keys.digest_sending(name))


def _send(
    store: ObjectStore, sending: DigestSending, target: Target | None, send: Send, now: Callable[[], datetime]
) -> NotificationDelivery | None:
    """The record of a digest that has ended; None if it is tried again."""
    events = [e.parse(found.event.encode()) for key in sending.entries if (found := ledger.find(store, key, Collected))]
    if target is None:
        return NotificationDelivery(event=sending.id, status="failed", reason=GONE)
    before = deliveries.find(store, target, sending.id)
    if before is not None and before.status in ("delivered", "failed"):
        made = before
    else:
        made = deliveries.attempt(before, target, digest(sending.id, events, now()), send, now)
        if made.status == "waiting" and now() - sending.since >= PATIENCE:
            made = deliveries.failed(made, made.reason or GONE)
        deliveries.keep(store, made)
    if made.status == "waiting":
        return None
    for event in events:
        told = {"status": made.status, "response": made.response, "reason": made.reason}
        deliveries.keep(store, deliveries.of(target, news(event), now()).model_copy(update=told))
    return made


def _told(name: str, ended: NotificationDelivery) -> Iterator[e.Event]:
    if ended.status == "delivered":
        yield e.NotificationDelivered(event=ended.event, target=name)
    else:
        yield e.NotificationFailed(event=ended.event, target=name, reason=ended.reason or GONE)
