"""An event log that is broken, beyond repair or not, stops nobody: it is for watching."""

from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from schemas import events as e
from schemas import topology
from schemas.errors import Code, TransientError
from tests.support.event_log import logged
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, log_queue
from workers.deliveries import Delivery

GATE = topology.queue("license.gate")
PROGRESS = e.VolumesProgressed(job="b", unit="ns/pod", volume="data", bytes_done=1, bytes_total=2, files_done=1)


def _wrap(event: e.Event, id_: str) -> e.AnyEvent:
    return e.wrap(event, id=id_, source="tests", time=datetime.now(UTC))


def _publish(url: str, *events: e.AnyEvent) -> None:
    publisher = broker.Publisher(url, "tests")
    for event in events:
        publisher.publish(event)
    publisher.close()


def _logged(url: str) -> list[str]:
    return [entry.event.id for entry in logged(url)]


def test_the_line_works_with_a_log_that_stays_broken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after some losses of a broker's data: it knows the log's name, and can neither declare nor replace it."""
    got: list[str] = []

    def refused(_: BlockingChannel) -> None:
        raise ChannelClosedByBroker(404, "NOT_FOUND - home node is down")

    monkeypatch.setattr(log_queue, "_declare", refused)

    def handle(event: dict[str, Any], _: Delivery) -> None:
        got.append(event["id"])

    [said] = broker.declare(url, ["node-a"])
    assert (said.code, said.subject) == (Code.NO_EVENT_LOG, topology.EVENT_LOG)
    assert "the line goes on without" in said.text
    with serving(url, GATE, handle):
        _publish(url, _wrap(PROGRESS, "heard by the log alone"), _wrap(e.BackupRequested(), "heard"))
        until(lambda: got == ["heard"], "the request is handled")


def test_a_log_with_other_limits_keeps_its_events(url: str) -> None:
    with connection.channel(url, "declare a log of an older version") as channel:
        channel.queue_declare(topology.EVENT_LOG, durable=True, arguments={"x-queue-type": "stream", "x-max-age": "1D"})
        channel.exchange_declare(topology.EVENTS, "topic", durable=True)
        channel.queue_bind(topology.EVENT_LOG, topology.EVENTS, "backup.#")
    _publish(url, _wrap(e.BackupPlanned(backup="b", objects=1, pods=0), "old"))
    [said] = broker.declare(url)
    assert (said.code, said.subject) == (Code.QUEUE_DIFFERS, topology.EVENT_LOG)
    _publish(url, _wrap(PROGRESS, "new"))
    assert _logged(url) == ["old", "new"]


@pytest.mark.parametrize(
    "refusal",
    [
        ChannelClosedByBroker(404, "NOT_FOUND - home node is down"),
        ChannelClosedByBroker(406, "PRECONDITION_FAILED - stream has no leader"),
        ConnectionClosedByBroker(541, "INTERNAL_ERROR"),
    ],
)
def test_a_log_that_is_away_for_a_moment_is_not_deleted(
    url: str, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    broker.declare(url)
    _publish(url, _wrap(PROGRESS, "kept"))
    real, refusals = log_queue._declare, [refusal]

    def refused_once(channel: BlockingChannel) -> None:
        if refusals:
            raise refusals.pop()
        real(channel)

    monkeypatch.setattr(log_queue, "_declare", refused_once)
    assert [said.code for said in broker.declare(url)] == [Code.NO_EVENT_LOG]
    assert broker.declare(url) == []
    _publish(url, _wrap(PROGRESS, "too"))
    assert _logged(url) == ["kept", "too"]


def test_a_broker_that_goes_while_the_log_is_declared_is_no_broken_log(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.declare(url)
    _publish(url, _wrap(PROGRESS, "kept"))

    def lost(_: BlockingChannel) -> None:
        raise pika.exceptions.StreamLostError("reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr(log_queue, "_declare", lost)
        with pytest.raises(TransientError, match="declare the event log"):
            broker.declare(url)
    assert _logged(url) == ["kept"]
