"""Around every step: parse, bind the log context, run, tell what it yields, and decide what becomes of the message.

Permanent errors, and others when patience is at its end, go to the row's `give_up`, which records the failure and
tells it; only what nobody can record is parked. A step that waits (`NotYet`) is called again without being counted;
and while the bus does not take what a step tells, that is no failure of the step.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from schemas import events as e
from schemas import topology
from schemas.errors import Code, MalformedEvent, NotYet, PermanentError, SnaplineError, TransientError
from schemas.messages import Message, told
from workers.adapters import broker, logs
from workers.deliveries import Again, Delivery, GaveUp, Outcome, Park
from workers.patience import Patience

Step = Callable[[e.CloudEvent[Any], Delivery], Iterator[e.Event]]
GiveUp = Callable[[e.CloudEvent[Any], Message, Delivery], Iterator[e.Event]]
Tell = Callable[[e.AnyEvent], None]

STORE_AWAY = timedelta(minutes=1)
"""How long a message rests whose failure could not even be recorded."""
NEXT_WORKER = timedelta(seconds=1)
"""How long a message rests whose worker stops."""
PATIENT = Patience()
UNTOLD = timedelta(seconds=5)
"""How long a message rests of which the bus did not take what follows."""


@dataclass(frozen=True)
class Row:
    """A queue's part of the line: what is called for an event, and what if that fails for good. By type, where the
    events that the queue hears (schemas/topology.py) ask for different things."""

    step: Step | Mapping[type[e.Event], Step]
    give_up: GiveUp | Mapping[type[e.Event], GiveUp] | None = None
    correlate: Callable[[e.Event], str | None] | None = None
    """The request that began what an event is about, where that is not what began the message's own."""
    patience: timedelta | None = None
    """How long a failure is tried again that may pass, where that is shorter than the process's patience."""

    def step_for(self, event: e.AnyEvent) -> Step:
        """What to call for `event`."""
        return self.step[type(event.data)] if isinstance(self.step, Mapping) else self.step

    def give_up_for(self, event: e.AnyEvent) -> GiveUp | None:
        """What to call if that fails for good, or None if nobody can record it."""
        return self.give_up.get(type(event.data)) if isinstance(self.give_up, Mapping) else self.give_up


@dataclass(frozen=True)
class _Work:
    """One event on its way through its row."""

    event: e.AnyEvent
    row: Row
    tell: Tell
    via: Delivery
    patience: Patience


def receive(
    document: Mapping[str, Any], row: Row, tell: Tell, delivery: Delivery, patience: Patience = PATIENT
) -> None:
    """Does all that is to be done about one event, given as a plain CloudEvent. Returning means done, the message may
    be acknowledged; everything else is an Outcome that is raised."""
    event = _parse(document)
    with structlog.contextvars.bound_contextvars(
        queue=delivery.queue, event_id=event.id, correlation_id=event.correlationid
    ):
        began, outcome = time.monotonic(), Outcome("")
        try:
            _run(_Work(event, row, tell, delivery, patience))
            outcome.word = "done"
        except Outcome as raised:
            outcome = raised
            raise
        finally:
            logs.handled(
                structlog.get_logger(delivery.queue),
                event_id=event.id,
                type=event.type,
                subject=event.subject or "",
                attempt=delivery.attempt,
                outcome=outcome.word,
                seconds=time.monotonic() - began,
                reason=outcome.reason,
            )


def _parse(document: Mapping[str, Any]) -> e.AnyEvent:
    try:
        return e.parse(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    except (MalformedEvent, ValueError) as error:
        raise Park(str(error)) from error


def _run(work: _Work) -> None:
    try:
        _tell_all(work.row.step_for(work.event)(work.event, work.via), work)
    except Outcome:
        raise
    except NotYet as error:
        raise Again(error.delay, str(error), counted=False, anew=True) from error
    except PermanentError as error:
        _give_up(told(error), work, error.place)
    except TransientError as error:
        _again(told(error), work, error.patience, error.place)
    except broker.Shutdown as stopped:
        raise Again(NEXT_WORKER, "its worker was stopping", counted=False) from stopped
    except broker.TimeLimitExceeded:
        _again(Message(code=Code.TRANSIENT, text="it took longer than a step may take"), work)
    except Exception as error:
        structlog.get_logger(work.via.queue).exception("a step failed in a way nobody foresaw")
        _again(Message(code=Code.TRANSIENT, text=f"{type(error).__name__}: {error}"), work)


def _again(reason: Message, work: _Work, at_most: timedelta | None = None, place: str = "") -> None:
    """Raises Again while there is patience: the process's, or the row's or the error's if that is shorter. The `place`
    is for our log."""
    limits = (work.patience.length, work.row.patience, at_most)
    if (failing := work.patience.failing(work.via)) >= min(limit for limit in limits if limit is not None):
        tries = f"tried {work.via.attempt} times in {timedelta(seconds=round(failing.total_seconds()))}"
        _give_up(reason.model_copy(update={"text": f"{reason} ({tries})"}), work, place)
    rest = topology.rest(work.via.attempt)
    with suppress(SnaplineError):
        work.patience.resting(work.event, rest, reason)
    raise Again(rest, _with_place(reason, place))


def _with_place(reason: Message, place: str) -> str:
    return f"{reason} ({place})" if place else str(reason)


def _give_up(reason: Message, work: _Work, place: str = "") -> None:
    give_up = work.row.give_up_for(work.event)
    if give_up is None:
        raise Park(_with_place(reason, place))
    try:
        _tell_all(give_up(work.event, reason, work.via), work)
    except TransientError as error:
        text = f"{reason}; and that could not be recorded: {error.with_place}"
        raise Again(STORE_AWAY, text, counted=False) from error
    except SnaplineError as error:
        raise Park(f"{reason}; and that could not be recorded: {error.with_place}") from error
    raise GaveUp(_with_place(reason, place))


def _tell_all(events: Iterator[e.Event], work: _Work) -> None:
    try:
        for event in events:
            now, source = work.patience.now(), f"snapline/{work.via.queue}"
            wrapped = e.wrap(event, source=source, time=now, cause=work.event)
            request = work.row.correlate(event) if work.row.correlate else None
            _tell(wrapped.model_copy(update={"correlationid": request}) if request else wrapped, work.tell)
    finally:
        # A step that was broken off must let go of what it holds now, not when its traceback is collected.
        if isinstance(events, Generator):
            events.close()


def _tell(event: e.AnyEvent, tell: Tell) -> None:
    """Raises Again while the bus does not take the event. Of progress nobody needs to hear: the work goes on."""
    try:
        tell(event)
    except SnaplineError as error:
        if isinstance(event.data, e.PROGRESS):
            structlog.get_logger("bus").warning("progress was not told", reason=str(error))
            return
        raise Again(UNTOLD, f"{event.type} could not be told: {error}", counted=False) from error
