"""A publisher sees to it that what it publishes has a queue, at the least cost."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import UnroutableError

from schemas import events as e
from schemas import topology
from schemas.errors import TransientError
from tests.support.line import until
from workers.adapters import broker
from workers.adapters.broker import connection
from workers.adapters.broker.publishing import LOOK_AGAIN

GATE = topology.queue("license.gate")
NODE = topology.volumes("node-a")


def _request(id_: str) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(), id=id_, source="tests", time=datetime.now(UTC))


def _await_messages(url: str, name: str, number: int) -> None:
    """A broker that is busy says 0 for a moment."""
    until(lambda: broker.queue_state(url, name).messages == number, f"{name} holds {number}")


def _delete(url: str, name: str) -> None:
    with connection.channel(url, "delete a queue") as channel:
        channel.queue_delete(name)


@pytest.fixture
def publisher(url: str) -> Iterator[broker.Publisher]:
    """To which a second goes by with each look at its clock."""
    seconds = itertools.count()
    with closing(broker.Publisher(url, "tests", lambda: LOOK_AGAIN * next(seconds))) as made:
        yield made


def test_a_queue_that_was_deleted_is_there_again_for_the_next_event(url: str, publisher: broker.Publisher) -> None:
    """The event log hears everything, so the broker would confirm what nobody else gets."""
    publisher.publish(_request("a"))
    _delete(url, GATE.name)
    publisher.publish(_request("b"))
    _await_messages(url, GATE.name, 1)


def test_a_queue_that_was_just_seen_is_not_looked_at_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    really = connection.is_there

    def is_there(channel: BlockingChannel, look: Callable[[BlockingChannel], object]) -> bool:
        looks.append("a look")
        return really(channel, look)

    with closing(broker.Publisher(url, "tests", lambda: 0.0)) as hasty:
        hasty.publish(_request("a"))
        hasty.publish(_request("b"))
        monkeypatch.setattr(connection, "is_there", is_there)
        hasty.publish(_request("c"))
        assert looks == []
        hasty.close()
        hasty.publish(_request("d"))
    assert looks
    _await_messages(url, GATE.name, 4)


def test_a_queue_that_somebody_is_just_declaring_is_bound_before_the_event(
    url: str, publisher: broker.Publisher
) -> None:
    broker.declare(url)
    _delete(url, GATE.name)
    _delete(url, GATE.dead_letters)
    with connection.channel(url, "declare it, and be slow to bind it") as channel:
        channel.queue_declare(GATE.name, durable=True, arguments={"x-queue-type": "quorum"})
    publisher.publish(_request("a"))
    _await_messages(url, GATE.name, 1)


def test_so_are_those_of_a_node_of_delays_and_of_dead_letters(url: str, publisher: broker.Publisher) -> None:
    work = e.VolumesCopyRequested(backup="b", node="node-a", pod="ns/pod")
    last = topology.DELAYS[-1]
    for _ in range(2):
        publisher.publish(e.wrap(work, source="tests", time=datetime.now(UTC)))
        publisher.publish_delayed(b"later", GATE, last, {})
        publisher.publish_to(b"dead", GATE.dead_letters, {})
        for name in (NODE.name, GATE.delay(last), GATE.dead_letters):
            _await_messages(url, name, 1)
            _delete(url, name)


def test_a_request_under_a_key_that_no_queue_hears_comes_back(url: str) -> None:
    """The log would have taken it, and the broker confirmed it."""
    broker.declare(url)
    with connection.channel(url, "ask under another key") as channel:
        channel.confirm_delivery()
        with pytest.raises(UnroutableError):
            channel.basic_publish(topology.EVENTS, "backup.requested.v1.shop", e.encode(_request("a")), mandatory=True)


def test_who_may_not_declare_hears_that_nobody_would_hear(url: str, producer_url: str) -> None:
    broker.declare(url)
    _delete(url, GATE.name)
    with (
        closing(broker.Publisher(producer_url, "tests")) as foreign,
        pytest.raises(TransientError, match=r"there is no queue license\.gate"),
    ):
        foreign.publish(_request("a"))


def test_a_publisher_that_was_idle_for_long_opens_one_connection_and_declares_nothing(
    url: str, publisher: broker.Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.publish(_request("a"))
    opened: list[str] = []
    real = connection.connect

    def connect(url: str) -> BlockingConnection:
        opened.append(url)
        return real(url)

    def bind(*_: object) -> None:
        raise AssertionError("it declares")

    monkeypatch.setattr(connection, "connect", connect)
    monkeypatch.setattr(BlockingChannel, "queue_bind", bind)
    publisher.close()  # as the broker does after missed heartbeats
    publisher.publish(_request("b"))
    assert len(opened) == 1
    _await_messages(url, GATE.name, 2)
