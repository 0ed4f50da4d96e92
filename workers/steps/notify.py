"""notify: tells every configured webhook how a job ended, once each."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from schemas import events as e
from schemas import keys
from schemas.errors import PermanentError, TransientError
from schemas.messages import Message, brief, shortened, told
from schemas.records import Record
from workers.jobs import ledger
from workers.ports import Destinations, ObjectStore

Post = Callable[[str, bytes, str], None]
"""URL, body, event id. Raises TransientError, or PermanentError if the receiver will never take it."""


@dataclass(frozen=True)
class NotifyNeeds:
    """What notifying needs."""

    destinations: Destinations
    urls: Sequence[str]
    post: Post
    log: Callable[[str], None]


def notify(event: e.AnyEvent, needs: NotifyNeeds) -> Iterator[e.Event]:
    """One event per receiver that has taken or refused the news. Raises TransientError if one is left to try again."""
    needs.log(describe(event.data))
    busy = []
    for url in needs.urls:
        try:
            yield _deliver(event, url, _store(event, needs), needs.post)
        except TransientError as error:
            busy.append(str(error))
    if busy:
        raise TransientError(brief(busy))


def give_up(event: e.AnyEvent, reason: Message, needs: NotifyNeeds) -> Iterator[e.Event]:
    """The receivers that never took the news."""
    for url in needs.urls:
        if not ledger.exists(_store(event, needs), keys.notification(event.id, target_name(url))):
            yield e.NotificationFailed(event=event.id, target=target_name(url), reason=shortened(reason))


def target_name(url: str) -> str:
    """A receiver's name: its host, and a digest in place of the rest of the URL, which may hold a secret."""
    return f"{urlsplit(url).hostname}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def describe(event: e.Event) -> str:
    """The news as one line: `backup instance-bcdfg completed`."""
    what, _, how = event.type.rpartition(".")[0].partition(".")
    reasons = [reason] if (reason := getattr(event, "reason", None)) else getattr(event, "reasons", [])
    return f"{what} {event.subject} {how.replace('_', ' ')}" + (f": {brief(reasons)}" if reasons else "")


def _store(event: e.AnyEvent, needs: NotifyNeeds) -> ObjectStore:
    """Where it is remembered who has the news: the job's destination; a rejected request has none but the default."""
    return needs.destinations.store(getattr(event.data, "destination", "") or needs.destinations.defaults()[0])


def _deliver(event: e.AnyEvent, url: str, store: ObjectStore, post: Post) -> e.Event:
    target = target_name(url)
    key = keys.notification(event.id, target)
    if not ledger.exists(store, key):
        try:
            post(url, e.encode(event), event.id)
        except PermanentError as error:
            return e.NotificationFailed(event=event.id, target=target, reason=told(error))
        ledger.put(store, key, Record())
    return e.NotificationDelivered(event=event.id, target=target)
