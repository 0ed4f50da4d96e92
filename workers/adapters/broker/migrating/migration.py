"""Brings a broker over to what is to be on it, in an order that loses nothing; again after a kill, it goes on."""

from collections.abc import Iterator
from dataclasses import dataclass

from pika.adapters.blocking_connection import BlockingConnection
from pika.exceptions import ChannelClosedByBroker

from schemas import broker_queues, topology
from schemas.errors import TransientError
from workers.adapters.broker import connection, declaring, log_queue
from workers.adapters.broker.migrating import differences, looking, replacing
from workers.adapters.broker.migrating.carrying import Trust
from workers.adapters.broker.migrating.management import Management, Thing
from workers.adapters.broker.migrating.replacing import Place

LOCK = "snapline.migrating"
"""A queue that one connection holds: two migrations at once would each take the other's stand-ins."""
IN_USE = 405


@dataclass(frozen=True)
class Done:
    """What was done to one thing, and how many messages were moved by it."""

    kind: str
    name: str
    action: str
    moved: int = 0


def migrate(
    url: str, nodes: tuple[str, ...], trust: Trust, management: Management | None = None, patience: float = 60
) -> Iterator[Done]:
    """Does it, and tells each thing when it is done. What it leaves, `check` says afterwards: rights, limits of the
    event log, queues that nobody wants.

    Raises TransientError if another one is at it, or if workers hold messages of a queue that has to be replaced after
    `patience` (s); then nothing is lost, and it can be done again. Raises Denied.
    """
    with connection.opened(url, "migrate what is on it") as opened:
        _lock(opened)
        declaring.declare_exchanges(opened)
        for place in _places(nodes):
            yield from _settle(opened, place, trust, patience)
        for message in log_queue.declare(url):
            yield Done("queue", topology.EVENT_LOG, message.text)
        if management is not None:
            yield from _policies(url, management)
            yield from _bindings(opened, nodes, management)


def _places(nodes: tuple[str, ...]) -> list[Place]:
    """Dead letters first: where a step's queue is, they are, too."""
    steps = [*topology.QUEUES.values(), *map(topology.volumes, nodes)]
    ordered = [
        (queue, [broker_queues.dead_letters(queue), broker_queues.step(queue), *_rungs(queue)]) for queue in steps
    ]
    return [Place(queue, each) for queue, wanted in ordered for each in wanted]


def _rungs(queue: topology.Queue) -> list[broker_queues.Declared]:
    return [broker_queues.rung(queue, length) for length in topology.DELAYS]


def _settle(opened: BlockingConnection, place: Place, trust: Trust, patience: float) -> Iterator[Done]:
    state, _ = looking.found(opened, place.wanted)
    moved = replacing.replace(opened, place, trust, patience) if state == "different" else 0
    replacing.declare(opened, place.wanted)
    if replacing.left(opened, place):
        moved = max(moved, replacing.bring_back(opened, place, trust, patience))
        yield Done("queue", place.wanted.name, "replaced" if state == "different" else "finished", moved)
    elif state == "missing":
        yield Done("queue", place.wanted.name, "declared")


def _policies(url: str, management: Management) -> Iterator[Done]:
    vhost = connection.parameters(url).virtual_host
    for difference, policy in differences.policies(management.policies(), vhost):
        if difference.state == "left over":
            management.delete_policy(difference.name)
            yield Done("policy", difference.name, "removed")
        else:
            management.put_policy(policy)
            yield Done("policy", difference.name, "set")


def _bindings(opened: BlockingConnection, nodes: tuple[str, ...], management: Management) -> Iterator[Done]:
    """What is wanted is bound by now, so that what is not wanted can go."""
    for difference, binding in differences.bindings(management.bindings(), looking.declared(nodes)):
        if difference.state == "left over":
            _unbind(opened, binding)
            yield Done("binding", difference.name, "removed")


def _unbind(opened: BlockingConnection, binding: Thing) -> None:
    channel, source, key = opened.channel(), binding["source"], binding["routing_key"]
    if binding["destination_type"] == "queue":
        channel.queue_unbind(binding["destination"], source, key)
    else:
        channel.exchange_unbind(binding["destination"], source, key)
    channel.close()


def _lock(opened: BlockingConnection) -> None:
    try:
        opened.channel().queue_declare(LOCK, exclusive=True)
    except ChannelClosedByBroker as error:
        if error.reply_code == IN_USE:
            raise TransientError("another migration is under way") from error
        raise
