"""Waits for the answer to a request that makes no job: a deletion, a verification."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from producers.actions.jobs import Requested
from producers.event_feed import Missed
from producers.session import Session
from schemas import events as e
from workers.ports import Say

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

BEAT = 0.25
"""Seconds after which it is looked whether it is time for something else."""
SILENCE = 5.0
"""Seconds without news after which the object store is asked."""
BEFORE = timedelta(seconds=2)
"""How long before the request was published listening begins: clocks differ."""


def answer(
    session: Session,
    requested: Requested,
    known: Callable[[e.Event], e.Event | None],
    recorded: Callable[[float], e.Event | None],
    *,
    clock: Callable[[], float],
    patience: float | None,
    progress: Say,
) -> e.Event | None:
    """The answer of one of those who are believed, if it is `known` as one, or what is `recorded`; that is asked every
    few seconds, and given how many seconds nothing was heard. None if `patience` seconds have passed since it was asked
    for. `progress` is told how far the work is."""
    began = asked_at = heard_at = clock()
    with session.events.listen(requested.event.time - BEFORE) as listener:
        while True:
            heard, now = listener.get(BEAT), clock()
            if heard is not None and not isinstance(heard, Missed) and believed(session, heard):
                said, is_ours = heard.event.data, heard.event.correlationid == requested.event.id
                if is_ours and (found := known(said)):
                    return found
                if is_ours and isinstance(said, e.UpkeepProgressed):
                    heard_at = now
                    progress(said.doing, said.done, said.total)
            if isinstance(heard, Missed) or now - asked_at > SILENCE:
                asked_at = now
                if found := recorded(now - heard_at):
                    return found
            if patience is not None and now - began >= patience:
                return None


def believed(session: Session, heard: "Logged") -> bool:
    """Whether the sender is one whose word counts for such an event."""
    return session.rights.believes(heard.sender, type(heard.event.data))
