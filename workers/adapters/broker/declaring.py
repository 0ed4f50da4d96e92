"""Declares what schemas/broker_queues.py says, the same on RabbitMQ 3.10 and 4.x. Safe to repeat.

Who may declare everything, does, and is told what differs: a queue that is there serves as it is, also with other
arguments than it would have now. Who may not, only looks whether it is there: then an administrator has imported the
definitions (schemas/broker_definitions.py). Workers of nodes may declare their own queues, and nothing else.
Limits that may change are policies, not arguments; only an administrator sets them.

All internal traffic (retries, dead letters) goes through the exchange WORK, so nobody needs the default one.
The event log hears everything, so it comes last: until then, what has no queue yet is unroutable, not lost.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from schemas import broker_queues, topology
from schemas.broker_queues import EXCHANGES, Declared
from schemas.errors import Code, Denied
from schemas.messages import Message
from schemas.topology import EVENT_LOG, EVENTS, TOLD, Queue
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
        if not declare_exchanges(opened):
            return _declare_own(opened, queue)
        own = declare_queue(opened, queue)
        rungs = _each(declare_rung(opened, queue, rung) for rung in topology.DELAYS)
        others = _each(_declare_for_others(opened, other) for other in topology.QUEUES.values() if other != queue)
        return [*own, *rungs, *others, *log_queue.declare(url)]


def declare_if_allowed(url: str) -> None:
    """As `declare`; a user who may not declare relies on others for that. Raises TransientError."""
    with suppress(Denied):
        declare(url)


def declare_exchanges(opened: BlockingConnection) -> bool:
    """The exchanges; whether we may declare them, or have only looked. Raises Denied for one that is not there and that
    we may not declare, and pika's errors, as all that takes an open connection."""
    for name, kind in EXCHANGES.items():
        try:
            with _channel(opened) as channel:
                channel.exchange_declare(name, kind, durable=True)
                if name == TOLD:
                    channel.exchange_bind(EVENTS, TOLD, "#")
        except ChannelClosedByBroker as error:
            if error.reply_code != connection.ACCESS_REFUSED:
                raise
            _look_at_exchanges(opened, error)
            return False
    return True


def declare_queue(opened: BlockingConnection, queue: Queue) -> list[Message]:
    """A step's queue, bound to all that it hears, and then its dead letters: where these are, the bindings are, too.
    Until then the broker keeps what it cannot place."""
    return _each(_declare(opened, each) for each in (broker_queues.step(queue), broker_queues.dead_letters(queue)))


def declare_rung(opened: BlockingConnection, queue: Queue, rung: timedelta) -> list[Message]:
    """One rung of the queue's delay ladder."""
    return _declare(opened, broker_queues.rung(queue, rung))


def _declare_own(opened: BlockingConnection, queue: Queue) -> list[Message]:
    """The queues of a service that may declare no others, or none at all."""
    if queue.node:
        return _each(_declare(opened, each) for each in broker_queues.declared(queue))
    for each in broker_queues.declared(queue):
        if not _has_queue(opened, each.name):
            _declare(opened, each)
    return [] if _has_queue(opened, EVENT_LOG) else [log_queue.missing("the broker's definitions are not imported")]


def _look_at_exchanges(opened: BlockingConnection, error: ChannelClosedByBroker) -> None:
    for name in EXCHANGES:
        if not _is_there(opened, partial(BlockingChannel.exchange_declare, exchange=name, passive=True)):
            raise not_there(f"exchange {name}", name, error)


def _declare_for_others(opened: BlockingConnection, queue: Queue) -> list[Message]:
    """A queue that we do not serve: only its own worker fails of what the broker has against it."""
    try:
        return declare_queue(opened, queue)
    except Denied:
        return []  # its own worker may, and does when it starts
    except ChannelClosedByBroker as error:
        text = f"the queue {queue.name} could not be declared: {error.reply_code} {error.reply_text}"
        return [Message(code=Code.QUEUE_DIFFERS, text=text, subject=queue.name)]


def _declare(opened: BlockingConnection, wanted: Declared) -> list[Message]:
    found: list[Message] = []
    try:
        with _channel(opened) as channel:
            channel.queue_declare(wanted.name, durable=True, arguments=wanted.arguments)
    except ChannelClosedByBroker as error:
        if error.reply_code == connection.ACCESS_REFUSED:
            if _has_queue(opened, wanted.name):
                return []  # who may has declared and bound it
            raise not_there(f"queue {wanted.name}", wanted.name, error) from error
        if not connection.inequivalent(error):
            raise
        found.append(connection.differs(wanted.name, error))
    with _channel(opened) as channel:
        for source, key in wanted.bindings:
            channel.queue_bind(wanted.name, source, key)
    return found


def not_there(what: str, name: str, error: ChannelClosedByBroker) -> Denied:
    """What it means that something is missing which we may not declare."""
    text = f"there is no {what}, and this user may not declare it: the definitions of the broker are not imported"
    return Denied(f"{text} ({error.reply_code} {error.reply_text})", code=Code.NOT_DECLARED, subject=name)


def _has_queue(opened: BlockingConnection, name: str) -> bool:
    return _is_there(opened, partial(BlockingChannel.queue_declare, queue=name, passive=True))


def _is_there(opened: BlockingConnection, look: Callable[[BlockingChannel], object]) -> bool:
    with _channel(opened) as channel:
        return connection.is_there(channel, look)


def _each(found: Iterable[list[Message]]) -> list[Message]:
    return [message for messages in found for message in messages]


@contextmanager
def _channel(opened: BlockingConnection) -> Iterator[BlockingChannel]:
    """A channel of its own, since a refusal closes it."""
    channel = opened.channel()
    yield channel
    if channel.is_open:
        with suppress(AMQPError):
            channel.close()
