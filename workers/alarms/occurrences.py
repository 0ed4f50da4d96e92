"""From what is found at each look to one alarm for as long as it lasts: when to tell it, again, and that it is over.

An event's id follows from what is wrong and since when. So whoever is killed between telling and remembering tells the
same event again, and whom it reached before does not get it twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas import events as e
from schemas.records import AlarmState

AGAIN = timedelta(days=1)
"""What lasts is told again after so long."""
NEVER: timedelta = timedelta.max
FILLED_IN = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the time since when something is so, in events of what was found: it is filled in when they are told."""


@dataclass(frozen=True)
class Found:
    """Something that is wrong now; or without an `event`, something of which that is not known now, so that what was
    found before stands. `name` is what it is remembered by, `about` what people call what it is about. Where `since` is
    not known, the first look that finds it counts. It is told when it has lasted for `patience`, and again after
    `again`."""

    name: str
    about: str
    event: e.AlarmEvent | None
    since: datetime | None = None
    patience: timedelta = timedelta(0)
    again: timedelta = AGAIN


@dataclass(frozen=True)
class Change:
    """What follows from a look: an event to tell, if any, then the state to remember; None is to forget it."""

    name: str
    event: e.Event | None
    state: AlarmState | None


def change(found: Found, before: AlarmState | None, now: datetime) -> Change | None:
    """What follows from something that is wrong now; None if nothing does. A clock that was put back makes nothing
    new."""
    if found.event is None:
        return None
    since = found.since or (before.since if before else now)
    state = before
    if state is None or (found.since is not None and state.since != found.since):
        app = getattr(found.event, "app", None)
        state = AlarmState(alarm=found.event.type, about=found.about, app=app, since=since)
    if state.told_at is None:
        if now - since < found.patience:
            return None if state is before else Change(found.name, None, state)
        return _told(found.name, found.event, state.model_copy(update={"told_at": now, "again": 0}))
    if found.again != NEVER and now - state.told_at >= found.again:
        return _told(found.name, found.event, state.model_copy(update={"told_at": now, "again": state.again + 1}))
    return None


def over(name: str, before: AlarmState) -> Change:
    """What follows when it is no longer so: nobody has to hear of what they were not told."""
    if before.told_at is None:
        return Change(name, None, None)
    resolved = e.AlarmResolved(alarm=before.alarm, about=before.about, app=before.app, since=before.since)
    return Change(name, resolved, None)


def _told(name: str, event: e.AlarmEvent, state: AlarmState) -> Change:
    return Change(name, event.model_copy(update={"since": state.since, "again": state.again}), state)


def changes(found: Iterator[Found], states: dict[str, AlarmState], prefix: str, now: datetime) -> Iterator[Change]:
    """What follows from one kind of look, whose alarms are remembered by names that begin with `prefix`. Raises what
    looking raises; then nothing of the kind is over."""
    seen: set[str] = set()
    for each in found:
        seen.add(each.name)
        if (made := change(each, states.get(each.name), now)) is not None:
            yield made
    for name, state in states.items():
        if name.startswith(prefix) and name not in seen:
            yield over(name, state)
