"""A queue whose arguments have changed is replaced by one of the same name, while messages come.

Arguments cannot change, so another queue stands in for it meanwhile: it hears all that the old one hears before that
stops hearing. What is in the old one goes to the stand-in, and from there to the new one. How far it has come is to be
seen on the broker, so that whoever comes next goes on: a stand-in is there until the new queue has everything.
"""

import time
from dataclasses import dataclass

from pika.adapters.blocking_connection import BlockingConnection

from schemas import topology
from schemas.broker_queues import Arguments, Declared
from schemas.topology import WORK, Queue
from workers.adapters.broker.migrating import looking, moving
from workers.adapters.broker.migrating.carrying import Trust, carrier
from workers.adapters.broker.migrating.differences import STAND_IN


@dataclass(frozen=True)
class Place:
    """One of the queues of a step."""

    queue: Queue
    wanted: Declared

    @property
    def stand_in(self) -> Declared:
        """What stands in for it: it holds everything for as long as it takes."""
        name = STAND_IN + self.wanted.name
        arguments: Arguments = {"x-queue-type": "quorum", "x-delivery-limit": topology.NEVER}
        return Declared(name, arguments, ((WORK, name), *self.wanted.bindings))


def replace(opened: BlockingConnection, place: Place, trust: Trust, patience: float) -> int:
    """Returns how many messages were in the old one. Raises TransientError while its workers take from it; pika's
    errors."""
    _await_workers(opened, place.wanted.name, patience)
    declare(opened, place.stand_in)
    _unbind(opened, place.wanted)
    return _empty(opened, place, place.wanted.name, place.stand_in.name, trust, patience)


def _await_workers(opened: BlockingConnection, name: str, patience: float) -> None:
    """Waits, before anything is changed, until nobody takes from the queue."""
    deadline = time.monotonic() + patience
    while (consumers := moving.state(opened, name)[0]) > 0:
        if time.monotonic() > deadline:
            raise moving.in_use(name, consumers)
        opened.sleep(moving.POLL)


def bring_back(opened: BlockingConnection, place: Place, trust: Trust, patience: float) -> int:
    """What the stand-in has goes to the queue that it stood in for, which is there, and hears; then it goes."""
    for source, key in place.wanted.bindings:
        _unbind_one(opened, place.stand_in.name, source, key)
    return _empty(opened, place, place.stand_in.name, place.wanted.name, trust, patience)


def declare(opened: BlockingConnection, wanted: Declared) -> None:
    """The queue, hearing; it is not there with other arguments."""
    channel = opened.channel()
    channel.queue_declare(wanted.name, durable=True, arguments=wanted.arguments)
    for source, key in wanted.bindings:
        channel.queue_bind(wanted.name, source, key)
    channel.close()


def _unbind(opened: BlockingConnection, wanted: Declared) -> None:
    for source, key in wanted.bindings:
        _unbind_one(opened, wanted.name, source, key)


def _unbind_one(opened: BlockingConnection, name: str, source: str, key: str) -> None:
    channel = opened.channel()
    channel.queue_unbind(name, source, key)
    channel.close()


def _empty(opened: BlockingConnection, place: Place, name: str, key: str, trust: Trust, patience: float) -> int:
    channel = opened.channel()
    channel.confirm_delivery()
    moved = moving.empty(opened, name, carrier(channel, place.queue, place.wanted.name, key, trust), patience)
    channel.close()
    return moved


def left(opened: BlockingConnection, place: Place) -> bool:
    """Whether a replacement was begun and not ended."""
    return looking.is_there(opened, place.stand_in.name)
