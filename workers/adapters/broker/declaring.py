"""Declares what schemas/topology.py says, the same on RabbitMQ 3.10 and 4.x. Safe to repeat.

A queue that is there serves as it is: for who may not declare, and also with other arguments than it would have now,
which is told. Limits that may change are policies, not arguments; an administrator sets them (schemas/policies.json).

All internal traffic (retries, dead letters) goes through the exchange WORK, so nobody needs the default one.
The event log hears everything, so it comes last: until then, what has no queue yet is unroutable, not lost.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from schemas import topology
from schemas.errors import Code, Denied
from schemas.messages import Message
from schemas.topology import CONTROL, EVENTS, TOLD, WORK, Queue
from workers.adapters.broker import connection, log_queue


def declare(url: str, nodes: Iterable[str] = ()) -> list[Message]:
    """All there is, and the queues of `nodes`. Returns what is not as it should be. Raises TransientError, Denied."""
    with connection.opened(url, "declare the queues") as opened:
        declare_exchanges(opened)
        queues = [*topology.QUEUES.values(), *(topology.volumes(node) for node in nodes)]
        return [*_each(declare_queue(opened, queue) for queue in queues), *log_queue.declare(url)]


def declare_for(url: str, queue: Queue) -> list[Message]:
    """What a worker of `queue` needs, and as much of the rest of the line as can be declared. Returns what is not as
    it should be. Raises TransientError, Denied.

    All rungs from the start: RabbitMQ 3.10 may lose a quorum queue, and what is in it, if it is killed within seconds
    after the queue was declared.
    """
    with connection.opened(url, f"declare {queue.name}") as opened:
        declare_exchanges(opened)
        own = declare_queue(opened, queue)
        rungs = _each(declare_rung(opened, queue, rung) for rung in topology.DELAYS)
        others = _each(_declare_for_others(opened, other) for other in topology.QUEUES.values() if other != queue)
        return [*own, *rungs, *others, *log_queue.declare(url)]


def declare_if_allowed(url: str) -> None:
    """As `declare`; a user who may not declare relies on others for that. Raises TransientError."""
    with suppress(Denied):
        declare(url)


def declare_exchanges(opened: BlockingConnection) -> None:
    """The exchanges. Raises pika's errors, as all that takes an open connection."""
    for name, kind in ((EVENTS, "topic"), (TOLD, "topic"), (WORK, "topic"), (CONTROL, "fanout")):
        try:
            with _channel(opened) as channel:
                channel.exchange_declare(name, kind, durable=True)
                if name == TOLD:
                    channel.exchange_bind(EVENTS, TOLD, "#")
        except ChannelClosedByBroker as error:
            if not _others_have(opened, error, partial(BlockingChannel.exchange_declare, exchange=name, passive=True)):
                raise


def declare_queue(opened: BlockingConnection, queue: Queue) -> list[Message]:
    """A step's queue, bound to all that it hears, and then its dead letters: where these are, the bindings are, too.
    Until then the broker keeps what it cannot place."""
    return [
        *_quorum(opened, queue.name, arguments(queue), heard=queue.binding_keys),
        *_quorum(opened, queue.dead_letters, {"x-delivery-limit": topology.NEVER}),
    ]


def arguments(queue: Queue) -> dict[str, object]:
    """Of a step's queue: what cannot be changed while it is there."""
    limits = {
        "x-delivery-limit": topology.MOST_DELIVERIES,
        "x-consumer-timeout": topology.milliseconds(topology.CONSUMER_TIMEOUT),
    }
    alone = {"x-single-active-consumer": True} if queue.node else {}
    return {**limits, **alone, **_dead_letters_to(queue.dead_letters)}


def declare_rung(opened: BlockingConnection, queue: Queue, rung: timedelta) -> list[Message]:
    """One rung of the queue's delay ladder: a queue that nobody consumes, which lets go of messages after `rung`."""
    limits = {"x-delivery-limit": topology.NEVER, "x-message-ttl": topology.milliseconds(rung)}
    return _quorum(opened, queue.delay(rung), {**limits, **_dead_letters_to(queue.name)})


def _declare_for_others(opened: BlockingConnection, queue: Queue) -> list[Message]:
    """A queue that we do not serve: only its own worker fails of what the broker has against it."""
    try:
        return declare_queue(opened, queue)
    except ChannelClosedByBroker as error:
        if error.reply_code == connection.ACCESS_REFUSED:
            return []  # its own worker may, and does when it starts
        text = f"the queue {queue.name} could not be declared: {error.reply_code} {error.reply_text}"
        return [Message(code=Code.QUEUE_DIFFERS, text=text, subject=queue.name)]


def _dead_letters_to(name: str) -> dict[str, object]:
    """Arguments that move what has expired, or was delivered too often, to the queue `name`, and lose none of it."""
    return {
        "x-dead-letter-exchange": WORK,
        "x-dead-letter-routing-key": name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _quorum(
    opened: BlockingConnection, name: str, arguments: dict[str, object], heard: Iterable[str] = ()
) -> list[Message]:
    found: list[Message] = []
    try:
        with _channel(opened) as channel:
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})
    except ChannelClosedByBroker as error:
        if _others_have(opened, error, partial(BlockingChannel.queue_declare, queue=name, passive=True)):
            return []
        if not connection.inequivalent(error):
            raise
        found.append(connection.differs(name, error))
    with _channel(opened) as channel:
        channel.queue_bind(name, WORK, name)
        for key in heard:
            channel.queue_bind(name, EVENTS, key)
    return found


def _others_have(
    opened: BlockingConnection, error: ChannelClosedByBroker, look: Callable[[BlockingChannel], object]
) -> bool:
    """Whether the refusal only says that we may not declare, and it is there: who may has declared and bound it."""
    return bool(error.reply_code == connection.ACCESS_REFUSED) and connection.is_there(opened.channel(), look)


def _each(found: Iterable[list[Message]]) -> list[Message]:
    return [message for messages in found for message in messages]


@contextmanager
def _channel(opened: BlockingConnection) -> Iterator[BlockingChannel]:
    """A channel of its own, since a refusal closes it."""
    channel = opened.channel()
    yield channel
    with suppress(AMQPError):
        channel.close()
