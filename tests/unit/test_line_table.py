"""The table of the line and the topology agree: each queue has a step for all that it hears, and an actor."""

import threading
from collections.abc import Mapping

import pytest
from dramatiq.brokers.stub import StubBroker

from schemas import topology
from schemas.settings import Settings
from workers import actors, app, line
from workers.needs import Needs

QUEUES = [*topology.QUEUES.values(), topology.volumes("node-a")]


class Plain(Needs):
    """Needs that reach nothing."""

    cluster = None  # type: ignore[assignment]
    cancellations = None  # type: ignore[assignment]
    trusted_keys: Mapping[str, bytes] = {}


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_has_a_step_for_all_that_it_hears_and_for_nothing_else(queue: topology.Queue) -> None:
    row = line.row(queue, Plain(Settings()))
    if isinstance(row.step, Mapping):
        assert set(row.step) == set(queue.hears)
    if isinstance(row.give_up, Mapping):
        assert set(row.give_up) <= set(queue.hears)


def test_every_queue_of_the_line_is_in_the_table() -> None:
    assert list(line.TABLE) == list(topology.QUEUES)


def test_every_queue_has_the_actor_of_its_name() -> None:
    broker = StubBroker(middleware=app.middleware(threading.Event()))
    needs = Plain(Settings())
    actors.declare(broker, needs)
    actors.declare_node(broker, needs, "node-a")
    assert {(name, actor.queue_name) for name, actor in broker.actors.items()} == {(q.name, q.name) for q in QUEUES}


def test_a_step_ends_before_the_broker_gives_its_message_to_another() -> None:
    limits = [queue.time_limit for queue in QUEUES if queue.time_limit]
    assert all(limit < topology.CONSUMER_TIMEOUT for limit in limits)
    assert [queue.name for queue in QUEUES if queue.time_limit is None] == ["repository.maintain"]
