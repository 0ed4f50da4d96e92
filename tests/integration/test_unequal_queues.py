"""A queue that is there with other arguments, of an older version or an administrator, stops nobody; it is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.rabbitmq import RabbitMQ
from producers.cli.remedies import with_remedy
from schemas import broker_queues, topology
from schemas import events as e
from schemas.errors import Code, Denied
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, declaring
from workers.deliveries import Delivery

GATE, NOTIFY = topology.queue("license.gate"), topology.queue("notify")
OLDER = {"x-queue-type": "quorum", "x-message-ttl": 1_000_000, "x-delivery-limit": 5}


def _declare(url: str, name: str, arguments: dict[str, Any]) -> None:
    with connection.channel(url, "declare a queue of an older version") as channel:
        channel.queue_declare(name, durable=True, arguments=arguments)


def _request(id_: str) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(), id=id_, source="tests", time=datetime.now(UTC))


def _published(url: str, event: e.AnyEvent) -> None:
    publisher = broker.Publisher(url, "tests")
    publisher.publish(event)
    publisher.close()


@pytest.mark.parametrize("name", [NOTIFY.dead_letters, GATE.name, GATE.delay(topology.DELAYS[0])])
def test_a_queue_with_other_arguments_serves_as_it_is(url: str, name: str) -> None:
    _declare(url, name, OLDER)
    got: list[str] = []

    def handle(event: dict[str, Any], _: Delivery) -> None:
        got.append(event["id"])

    with serving(url, GATE, handle):
        _published(url, _request("a"))
        until(lambda: "a" in got, "the request is handled", seconds=240)  # twice, if a confirm was lost


def test_what_differs_is_told_by_name(url: str) -> None:
    _declare(url, NOTIFY.dead_letters, OLDER)
    for found in (declaring.declare(url), declaring.declare_for(url, GATE), declaring.declare_for(url, NOTIFY)):
        assert [(said.code, said.subject) for said in found] == [(Code.QUEUE_DIFFERS, NOTIFY.dead_letters)]
    with connection.channel(url, "delete it, as is told") as channel:
        channel.queue_delete(NOTIFY.dead_letters)
    assert declaring.declare(url) == []
    assert declaring.declare(url) == []


def test_a_node_queue_that_lets_two_workers_work_at_once_is_told_with_the_command_that_mends_it(url: str) -> None:
    node = topology.volumes("node-a")
    arguments = broker_queues.step(node).arguments
    _declare(url, node.name, {name: said for name, said in arguments.items() if name != "x-single-active-consumer"})
    [said] = declaring.declare_for(url, node)
    assert "single-active-consumer" in said.text
    assert "`snapline broker migrate`" in with_remedy(said)
    with connection.channel(url, "delete it, as is told") as channel:
        channel.queue_delete(node.name)
    assert declaring.declare_for(url, node) == []


def test_a_queue_that_somebody_holds_for_himself_stops_only_its_own_workers(url: str) -> None:
    with connection.channel(url, "hold a queue") as channel:
        channel.queue_declare(NOTIFY.dead_letters, exclusive=True)
        [said] = declaring.declare_for(url, GATE)
        assert (said.code, said.subject) == (Code.QUEUE_DIFFERS, NOTIFY.name)
        _published(url, _request("a"))
        until(lambda: broker.queue_state(url, GATE.name).messages == 1, "it waits")


def test_who_may_not_declare_serves_what_others_have_declared(url: str, producer_url: str) -> None:
    with pytest.raises(Denied):
        declaring.declare_for(producer_url, GATE)
    broker.declare(url)
    declaring.declare_for(url, GATE)
    assert declaring.declare_for(producer_url, GATE) == []


def test_the_limits_that_may_change_are_policies(url: str, vhost: str, broker_server: RabbitMQ) -> None:
    """An upgrade changes them in queues that are there, and full, too."""
    declaring.declare(url, ["node-a"])
    said = broker_server.control("list_queues", "-p", vhost, "name", "policy", "--no-table-headers")
    found = dict(line.split("\t") for line in said.splitlines())
    node = topology.volumes("node-a")
    assert {found[name] for name in (GATE.name, NOTIFY.name, node.name)} == {"snapline.steps"}
    assert {found[name] for name in (GATE.dead_letters, node.dead_letters)} == {"snapline.dead-letters"}
    assert found[topology.EVENT_LOG] == ""
