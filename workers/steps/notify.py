"""notify: tells every configured webhook how a job ended, once each."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from schemas import events as e
from schemas import keys
from schemas.errors import PermanentError, TransientError
from schemas.records import Record
from workers import ledger
from workers.ports import ObjectStore
from workers.steps.endings import brief

Post = Callable[[str, bytes, str], None]
"""URL, body, event id. Raises TransientError, or PermanentError if the receiver will never take it."""


@dataclass(frozen=True)
class Notifying:
    """What notifying needs."""

    store: ObjectStore
    urls: Sequence[str]
    post: Post
    log: Callable[[str], None]


def notify(event: e.AnyEvent, world: Notifying) -> Iterator[e.Event]:
    """One event per receiver that has taken or refused the news. Raises TransientError if one is left to try again."""
    world.log(describe(event.data))
    busy = []
    for url in world.urls:
        try:
            yield from _deliver(event, url, world)
        except TransientError as error:
            busy.append(str(error))
    if busy:
        raise TransientError(brief(*busy))


def give_up(event: e.AnyEvent, reason: str, world: Notifying) -> Iterator[e.Event]:
    """The receivers that never took the news."""
    for url in world.urls:
        if not ledger.exists(world.store, keys.notification(event.id, target_name(url))):
            yield e.NotificationFailed(event=event.id, target=target_name(url), reason=brief(reason))


def target_name(url: str) -> str:
    """A receiver's name: its host, and a digest in place of the rest of the URL, which may hold a secret."""
    return f"{urlsplit(url).hostname}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def describe(event: e.Event) -> str:
    """The news as one line: `backup instance-bcdfg completed`."""
    what, _, how = event.type.rpartition(".")[0].partition(".")
    reasons = getattr(event, "reason", "") or "; ".join(getattr(event, "reasons", []))
    return f"{what} {event.subject} {how.replace('_', ' ')}" + (f": {brief(reasons)}" if reasons else "")


def _deliver(event: e.AnyEvent, url: str, world: Notifying) -> Iterator[e.Event]:
    target = target_name(url)
    key = keys.notification(event.id, target)
    if not ledger.exists(world.store, key):
        try:
            world.post(url, e.encode(event), event.id)
        except PermanentError as error:
            yield e.NotificationFailed(event=event.id, target=target, reason=brief(str(error)))
            return
        ledger.put(world.store, key, Record())
    yield e.NotificationDelivered(event=event.id, target=target)
