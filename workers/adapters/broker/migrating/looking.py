"""What is on a broker, beside what is to be there. Looking changes nothing."""

from functools import partial
from typing import Literal

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker

from schemas import broker_queues, topology
from schemas.broker_queues import Declared
from workers.adapters.broker import connection
from workers.adapters.broker.migrating import differences
from workers.adapters.broker.migrating.differences import STAND_IN, Difference
from workers.adapters.broker.migrating.management import Management

Found = Literal["missing", "different", "same", "unknown"]


def check(url: str, nodes: tuple[str, ...], management: Management | None = None) -> list[Difference]:
    """All that is not as it is to be; without `management`, as far as AMQP shows it: exchanges and queues, neither
    what is bound nor what is left over. Raises TransientError, Denied."""
    with connection.opened(url, "look at what is on it") as opened:
        wanted = declared(nodes)
        found = [*_exchanges(opened), *_queues(opened, wanted), *_stand_ins(opened, wanted)]
        if management is None:
            return found
        vhost = connection.parameters(url).virtual_host
        names = {each.name for each in wanted} | {STAND_IN + each.name for each in wanted}
        return [
            *found,
            *(difference for difference, _ in differences.bindings(management.bindings(), wanted)),
            *(difference for difference, _ in differences.policies(management.policies(), vhost)),
            *differences.permissions(management.permissions(), management.topic_permissions(), vhost, nodes),
            *(left_over(opened, name) for name in differences.left_over(management.queues(), names)),
        ]


def declared(nodes: tuple[str, ...]) -> list[Declared]:
    """All queues that are to be there, the event log last."""
    steps = [*topology.QUEUES.values(), *map(topology.volumes, nodes)]
    return [*(each for queue in steps for each in broker_queues.declared(queue)), broker_queues.event_log()]


def left_over(opened: BlockingConnection, name: str) -> Difference:
    """A queue that nobody wants, with what waits in it."""
    return Difference("queue", name, "left over", waiting=connection.waiting(opened, name))


def is_there(opened: BlockingConnection, name: str) -> bool:
    """Whether there is a queue of that name."""
    channel = opened.channel()
    found = connection.is_there(channel, partial(BlockingChannel.queue_declare, queue=name, passive=True))
    if channel.is_open:
        channel.close()
    return found


def found(opened: BlockingConnection, wanted: Declared) -> tuple[Found, str]:
    """How a queue is, and what the broker says of a difference. Who may not declare it does not know."""
    if not is_there(opened, wanted.name):
        return "missing", ""
    channel = opened.channel()
    try:
        channel.queue_declare(wanted.name, durable=True, arguments=wanted.arguments)
    except ChannelClosedByBroker as error:
        if error.reply_code == connection.PRECONDITION_FAILED:
            return "different", str(error.reply_text)
        if error.reply_code == connection.ACCESS_REFUSED:
            return "unknown", ""
        raise
    channel.close()
    return "same", ""


def _exchanges(opened: BlockingConnection) -> list[Difference]:
    told: list[Difference] = []
    for name, kind in broker_queues.EXCHANGES.items():
        channel = opened.channel()
        look = partial(BlockingChannel.exchange_declare, exchange=name, passive=True)
        if not connection.is_there(channel, look):
            told.append(Difference("exchange", name, "missing"))
            continue
        try:
            channel.exchange_declare(name, kind, durable=True)
        except ChannelClosedByBroker as error:
            if error.reply_code == connection.PRECONDITION_FAILED:
                told.append(Difference("exchange", name, "different", str(error.reply_text)))
    return told


def _queues(opened: BlockingConnection, wanted: list[Declared]) -> list[Difference]:
    told: list[Difference] = []
    for each in wanted:
        state, text = found(opened, each)
        if state == "missing":
            told.append(Difference("queue", each.name, "missing"))
        elif state == "different":
            told.append(Difference("queue", each.name, "different", text, connection.waiting(opened, each.name)))
    return told


def _stand_ins(opened: BlockingConnection, wanted: list[Declared]) -> list[Difference]:
    """Those of a migration that was interrupted."""
    names = [STAND_IN + each.name for each in wanted if is_there(opened, STAND_IN + each.name)]
    return [left_over(opened, name) for name in names]
