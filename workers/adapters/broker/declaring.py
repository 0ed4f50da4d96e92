"""Declares what schemas/topology.py says, the same on RabbitMQ 3.10 and 4.x. Safe to repeat.

All internal traffic (retries, dead letters) goes through the exchange WORK, so nobody needs the default one.
The event log hears everything, so it comes last: until then, what has no queue yet is unroutable, not lost.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from pika.adapters.blocking_connection import BlockingChannel

from schemas import topology
from schemas.errors import Denied
from schemas.topology import CONTROL, EVENTS, WORK, Queue
from workers.adapters.broker import connection, log_queue

AT_LEAST_ONCE = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
NEVER = 1_000_000
"""A delivery limit that is never reached: dead letters may be looked at often. 4.x would drop them after 20."""


def declare(url: str, nodes: Iterable[str] = ()) -> None:
    """The whole topology, and the queues of `nodes`. Raises TransientError, Denied."""
    with connection.channel(url, "declare the queues") as channel:
        declare_line(channel)
        for node in nodes:
            declare_queue(channel, topology.volumes(node))
    log_queue.declare(url)


def declare_for(url: str, queue: Queue) -> None:
    """What a worker of `queue` needs, be it in the topology or not. Raises TransientError, Denied.

    All rungs from the start: RabbitMQ 3.10 may lose a quorum queue, and what is in it, if it is killed within seconds
    after the queue was declared.
    """
    with connection.channel(url, f"declare {queue.name}") as channel:
        declare_line(channel)
        declare_queue(channel, queue)
        for rung in topology.DELAYS:
            declare_rung(channel, queue, rung)
    log_queue.declare(url)


def declare_if_allowed(url: str) -> None:
    """As `declare`; a user who may not declare relies on others for that. Raises TransientError."""
    with suppress(Denied):
        declare(url)


def declare_line(channel: BlockingChannel) -> None:
    """Exchanges and the line's queues."""
    channel.exchange_declare(EVENTS, "topic", durable=True)
    channel.exchange_declare(WORK, "topic", durable=True)
    channel.exchange_declare(CONTROL, "fanout", durable=True)
    for queue in topology.QUEUES.values():
        declare_queue(channel, queue)


def declare_queue(channel: BlockingChannel, queue: Queue) -> None:
    """A step's queue and its dead letters, bound to all that it hears. Dead letters first: they must have a place."""
    _quorum(channel, queue.dead_letters, {"x-message-ttl": _ms(topology.DEAD_LETTER_AGE), "x-delivery-limit": NEVER})
    _quorum(
        channel,
        queue.name,
        {
            "x-delivery-limit": queue.delivery_limit,
            "x-consumer-timeout": _ms(topology.CONSUMER_TIMEOUT),
            "x-dead-letter-exchange": WORK,
            "x-dead-letter-routing-key": queue.dead_letters,
            **AT_LEAST_ONCE,
        },
    )
    for key in queue.binding_keys:
        channel.queue_bind(queue.name, EVENTS, key)


def declare_rung(channel: BlockingChannel, queue: Queue, rung: timedelta) -> None:
    """One rung of the queue's delay ladder: a queue that nobody consumes, which lets go of messages after `rung`."""
    _quorum(
        channel,
        queue.delay(rung),
        {
            "x-message-ttl": _ms(rung),
            "x-delivery-limit": NEVER,
            "x-dead-letter-exchange": WORK,
            "x-dead-letter-routing-key": queue.name,
            **AT_LEAST_ONCE,
        },
    )


def _quorum(channel: BlockingChannel, name: str, arguments: dict[str, object]) -> None:
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})
    channel.queue_bind(name, WORK, name)


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
