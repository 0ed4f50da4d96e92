"""What is on the broker, name by name: exchanges, queues with their arguments, and what is bound to what. Workers
declare it, administrators import it (`broker_definitions.py`), and both say the same."""

from dataclasses import dataclass
from datetime import timedelta

from schemas import topology
from schemas.topology import CONTROL, EVENT_LOG, EVENTS, TOLD, WORK, Queue, milliseconds

EXCHANGES = {EVENTS: "topic", TOLD: "topic", WORK: "topic", CONTROL: "fanout"}
"""Name to type; all are durable."""
Arguments = dict[str, str | int | bool]


@dataclass(frozen=True)
class Declared:
    """A durable queue: its arguments, which cannot change while it is there, and its bindings, (exchange, key) each."""

    name: str
    arguments: Arguments
    bindings: tuple[tuple[str, str], ...]


def declared(queue: Queue) -> list[Declared]:
    """All queues of one step: its own, its dead letters, and the rungs of its ladder."""
    return [step(queue), dead_letters(queue), *(rung(queue, length) for length in topology.DELAYS)]


def step(queue: Queue) -> Declared:
    """The queue that workers serve, bound to all that it hears."""
    limits: Arguments = {
        "x-delivery-limit": topology.MOST_DELIVERIES,
        "x-consumer-timeout": milliseconds(topology.CONSUMER_TIMEOUT),
    }
    alone: Arguments = {"x-single-active-consumer": True} if queue.node else {}
    heard = [(EVENTS, key) for key in queue.binding_keys]
    return _quorum(queue.name, {**limits, **alone, **_dead_letters_to(queue.dead_letters)}, heard)


def dead_letters(queue: Queue) -> Declared:
    """Where the queue's dead letters lie."""
    return _quorum(queue.dead_letters, {"x-delivery-limit": topology.NEVER})


def rung(queue: Queue, length: timedelta) -> Declared:
    """One rung of the queue's delay ladder: a queue that nobody consumes, which lets go of messages after `length`."""
    limits: Arguments = {"x-delivery-limit": topology.NEVER, "x-message-ttl": milliseconds(length)}
    return _quorum(queue.delay(length), {**limits, **_dead_letters_to(queue.name)})


def event_log() -> Declared:
    """The stream that has every event."""
    return Declared(EVENT_LOG, dict(topology.EVENT_LOG_ARGUMENTS), ((TOLD, "#"), (WORK, EVENT_LOG)))


def _quorum(name: str, arguments: Arguments, heard: list[tuple[str, str]] | None = None) -> Declared:
    return Declared(name, {"x-queue-type": "quorum", **arguments}, ((WORK, name), *(heard or [])))


def _dead_letters_to(name: str) -> Arguments:
    """Arguments that move what has expired, or was delivered too often, to the queue `name`, and lose none of it."""
    return {
        "x-dead-letter-exchange": WORK,
        "x-dead-letter-routing-key": name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
