"""notify: tells every target whose rule asks for it what has happened, once each; and digests when they are due."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas.errors import NotFound, SnaplineError, TransientError
from schemas.messages import Message, brief, shortened
from schemas.news import News, news
from schemas.notification import PingTarget, Target, wants
from schemas.records import NotificationDelivery
from workers.notifying import deliveries, digests
from workers.notifying.deliveries import Send
from workers.ports import Destinations, ObjectStore

UNREMEMBERED = timedelta(hours=1)
"""How long news is tried again of which nobody can remember who has it: those who have get it once more each time."""


@dataclass(frozen=True)
class NotifyNeeds:
    """What notifying needs. `targets` may raise TransientError."""

    destinations: Destinations
    targets: Callable[[], Sequence[Target]]
    send: Send
    log: Callable[[str], None]
    now: Callable[[], datetime]


def notify(event: e.AnyEvent, needs: NotifyNeeds) -> Iterator[e.Event]:
    """One event per target that has taken or refused the news. Raises TransientError if one is left to try again."""
    said = news(event)
    if not isinstance(event.data, e.BEGINNINGS):
        needs.log(said.text)
    wanted = _wanted(said, needs)
    if not wanted:
        return
    store, busy = _memory(event, needs), []
    for target in wanted:
        if _collected(event, target, store, needs):
            continue
        told = _tell(event, said, target, store, needs)
        if told.status == "waiting":
            busy.append(told.reason or "")
        else:
            yield _said(told)
    if busy:
        raise TransientError(brief(busy), patience=None if store is not None else UNREMEMBERED)


def tick(_: e.CloudEvent[e.TickMinute], needs: NotifyNeeds) -> Iterator[e.Event]:
    """Sends the digests that are due. What cannot be sent or looked at now is left to the next tick."""
    try:
        targets = {target.name: target for target in needs.targets()}
        names = needs.destinations.names()
    except SnaplineError as error:
        needs.log(f"digests are not sent now: {error}")
        return
    for name in names:
        try:
            yield from digests.tell_due(needs.destinations.store(name), targets, needs.send, needs.now)
        except SnaplineError as error:
            needs.log(f"digests of destination {name} are not sent now: {error}")


def give_up(event: e.AnyEvent, reason: Message, needs: NotifyNeeds) -> Iterator[e.Event]:
    """The targets that never took the news."""
    said, why = news(event), shortened(reason)
    store = _memory(event, needs)
    for target in _wanted(said, needs):
        before = deliveries.find(store, target, event.id) if store is not None else None
        if before is None or before.status == "waiting":
            if store is not None:
                deliveries.keep(store, deliveries.failed(before or deliveries.of(target, said, needs.now()), why))
            yield e.NotificationFailed(event=event.id, target=target.name, reason=why)


def _wanted(said: News, needs: NotifyNeeds) -> list[Target]:
    """The targets that ask for it. Beginnings are for pings alone, which have no word for some news."""
    found = [each for each in needs.targets() if wants(each, said.type, said.app, said.severity)]
    if said.outcome == "start":
        return [each for each in found if isinstance(each, PingTarget) and each.start_url.get_secret_value()]
    return [each for each in found if said.outcome or not isinstance(each, PingTarget)]


def _memory(event: e.AnyEvent, needs: NotifyNeeds) -> ObjectStore | None:
    """Where it is remembered who has the news: the job's destination; a rejected request has none but the default.

    None where nothing can be: in a destination that is no more, and for an alarm, where it cannot be reached."""
    try:
        store = needs.destinations.store(getattr(event.data, "destination", "") or needs.destinations.defaults()[0])
        with _as_far_as_can_be(event):
            deliveries.probe(store, event.id)
            return store
    except NotFound:
        return None
    except SnaplineError:
        if not isinstance(event.data, e.ALARMS):
            raise
    return None


def _as_far_as_can_be(event: e.AnyEvent) -> AbstractContextManager[None]:
    """An alarm does not wait for the store, which may be what it is about: it is rather told twice."""
    return suppress(SnaplineError) if isinstance(event.data, e.ALARMS) else nullcontext()


def _collected(event: e.AnyEvent, target: Target, store: ObjectStore | None, needs: NotifyNeeds) -> bool:
    """Keeps it for the target's digest, if it has one."""
    if not target.digest or store is None:
        return False
    with _as_far_as_can_be(event):
        digests.collect(store, target, event, needs.now())
        return True
    return False


def _tell(
    event: e.AnyEvent, said: News, target: Target, store: ObjectStore | None, needs: NotifyNeeds
) -> NotificationDelivery:
    """Tells the target unless it was told or has refused; the record of that."""
    before = None
    if store is not None:
        with _as_far_as_can_be(event):
            before = deliveries.find(store, target, event.id)
    if before is not None and before.status != "waiting":
        return before.model_copy(update={"event": event.id, "target": target.name})
    told = deliveries.attempt(before, target, said, needs.send, needs.now)
    if store is not None:
        with _as_far_as_can_be(event):
            deliveries.keep(store, told)
    return told


def _said(told: NotificationDelivery) -> e.Event:
    if told.status == "failed" and told.reason:
        return e.NotificationFailed(event=told.event, target=told.target, reason=shortened(told.reason))
    return e.NotificationDelivered(event=told.event, target=told.target)
