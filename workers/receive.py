"""Around every step: bind the log context, run, tell what it yields, and decide what becomes of the message.

Permanent errors and exhausted retries go to the row's `give_up`, which records the failure and tells it;
only what nobody can record is parked. A step that waits (`NotYet`) is called again without being counted.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from schemas import events as e
from schemas import topology
from schemas.errors import Code, NotYet, PermanentError, SnaplineError, TransientError
from schemas.messages import Message, told
from workers.adapters import logs
from workers.deliveries import Delivery, Done, Outcome, Park, Retry

Step = Callable[[Delivery], Iterator[e.Event]]
GiveUp = Callable[[e.AnyEvent, Message], Iterator[e.Event]]
Tell = Callable[[e.AnyEvent], None]

STORE_AWAY = timedelta(minutes=1)
"""How long a message rests whose failure could not even be recorded."""


@dataclass(frozen=True)
class Row:
    """A queue's part of the table: what is called for each event type, and what if it fails for good."""

    steps: Mapping[type[e.Event], Step]
    give_up: Mapping[type[e.Event], GiveUp] = field(default_factory=dict)


def handler(queue: str, row: Row, tell: Tell) -> Callable[[Delivery], Outcome]:
    """What the broker calls with every good message of `queue`."""
    log = structlog.get_logger(queue)

    def handle(delivery: Delivery) -> Outcome:
        event = delivery.event
        with structlog.contextvars.bound_contextvars(
            queue=queue, event_id=event.id, correlation_id=event.correlationid
        ):
            began = time.monotonic()
            outcome = _attempt(delivery, queue, row, tell, log)
            logs.handled(
                log,
                event_id=event.id,
                type=event.type,
                subject=event.subject or "",
                attempt=delivery.attempt,
                outcome=_word(outcome),
                seconds=time.monotonic() - began,
                reason=getattr(outcome, "reason", ""),
            )
            return outcome

    return handle


def _attempt(delivery: Delivery, queue: str, row: Row, tell: Tell, log: structlog.stdlib.BoundLogger) -> Outcome:
    try:
        _tell_all(row.steps[type(delivery.event.data)](delivery), delivery.event, queue, tell)
        return Done()
    except NotYet as error:
        return Retry(error.delay, str(error), counted=False)
    except PermanentError as error:
        return _give_up(delivery, told(error), queue, row, tell)
    except TransientError as error:
        return _again(delivery, told(error), queue, row, tell)
    except Exception as error:
        log.exception("a step failed in a way nobody foresaw")
        unforeseen = Message(code=Code.TRANSIENT, text=f"{type(error).__name__}: {error}")
        return _again(delivery, unforeseen, queue, row, tell)


def _again(delivery: Delivery, reason: Message, queue: str, row: Row, tell: Tell) -> Outcome:
    if delivery.attempt >= topology.MAX_ATTEMPTS:
        tried = reason.model_copy(update={"text": f"{reason} (tried {delivery.attempt} times)"})
        return _give_up(delivery, tried, queue, row, tell)
    return Retry(topology.DELAYS[min(delivery.attempt, len(topology.DELAYS)) - 1], str(reason))


def _give_up(delivery: Delivery, reason: Message, queue: str, row: Row, tell: Tell) -> Outcome:
    give_up = row.give_up.get(type(delivery.event.data))
    if give_up is None:
        return Park(str(reason))
    try:
        _tell_all(give_up(delivery.event, reason), delivery.event, queue, tell)
    except TransientError as error:
        return Retry(STORE_AWAY, f"{reason}; and that could not be recorded: {error}", counted=False)
    except SnaplineError as error:
        return Park(f"{reason}; and that could not be recorded: {error}")
    return GaveUp(str(reason))


@dataclass(frozen=True)
class GaveUp(Done):
    """Done, as far as it goes: the failure is recorded and told."""

    reason: str


def _tell_all(events: Iterator[e.Event], cause: e.AnyEvent, queue: str, tell: Tell) -> None:
    try:
        for event in events:
            tell(e.wrap(event, source=f"snapline/{queue}", time=datetime.now(UTC), cause=cause))
    finally:
        # A step that was broken off must let go of what it holds now, not when its traceback is collected.
        if isinstance(events, Generator):
            events.close()


def _word(outcome: Outcome) -> str:
    match outcome:
        case GaveUp():
            return "failed"
        case Retry(counted=False):
            return "waiting"
        case Retry():
            return "retry"
        case Park():
            return "parked"
        case _:
            return "done"
