"""What a stranger sends too much of, or too long, is refused or kept short; nobody else loses anything by it."""

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from pika.exceptions import NackError

from deploy.local.rabbitmq import RabbitMQ
from schemas import events as e
from schemas import topology
from schemas.errors import TransientError
from tests.support.event_log import logged
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, reading
from workers.deliveries import Delivery, Park

GATE, CAPTURE = topology.queue("license.gate"), topology.queue("manifest.capture")
KEY = "backup.requested.v1"
MINE = pika.BasicProperties(delivery_mode=2, user_id="producer")


def _wrap(event: e.Event, id_: str) -> e.AnyEvent:
    return e.wrap(event, id=id_, source="tests", time=datetime.now(UTC))


def _publish(url: str, event: e.AnyEvent) -> None:
    with closing(broker.Publisher(url, "tests")) as publisher:
        publisher.publish(event)


def _flood(url: str, bodies: list[bytes]) -> int:
    """Publishes all, as any client may; how many the broker has taken."""
    taken = 0
    with connection.channel(url, "flood") as channel:
        channel.confirm_delivery()
        for body in bodies:
            try:
                channel.basic_publish(topology.EVENTS, KEY, body, MINE)
                taken += 1
            except NackError:
                continue
    return taken


def test_bodies_of_30_mb_are_parked_without_their_contents(url: str, producer_url: str) -> None:
    broker.declare(url)
    got: list[str] = []

    def handle(event: dict[str, Any], _: Delivery) -> None:
        got.append(event["id"])

    huge = b"x" * 30_000_000
    assert _flood(producer_url, [huge] * 3) == 3
    _publish(url, _wrap(e.BackupRequested(), "good"))
    with serving(url, GATE, handle):
        until(lambda: got == ["good"], "the good one is handled")
        until(lambda: broker.queue_state(url, GATE.dead_letters).messages == 3, "the others are parked")
    letters = broker.list_dead_letters(url, GATE.name)
    assert [(letter.size, letter.sender) for letter in letters] == [(len(huge), "producer")] * 3
    assert [len(letter.body) for letter in letters] == [reading.EXCERPT] * 3
    assert all("30000000 bytes long" in letter.reason for letter in letters)


def test_a_full_queue_refuses_more_and_the_others_go_on(
    url: str, producer_url: str, vhost: str, broker_server: RabbitMQ
) -> None:
    broker.declare(url)
    [limits] = [policy.limits for policy in topology.policies() if policy.name == "snapline.steps"]
    assert limits["max-length"] == topology.MOST_WAITING
    small = json.dumps(limits | {"max-length": 20})
    broker_server.control(
        "set_policy", "-p", vhost, "--priority", "9", "--apply-to", "queues", "small", r"^license\.gate$", small
    )
    bodies = [e.encode(_wrap(e.BackupRequested(), str(number))) for number in range(1000)]
    taken = _flood(producer_url, bodies)
    assert 20 <= taken < 1000  # the broker looks now and then
    with pytest.raises(TransientError, match="a queue is full"):
        _publish(url, _wrap(e.BackupRequested(), "whoever can wait"))
    _publish(url, _wrap(e.BackupLicensed(backup="b"), "another queue's"))
    got: list[str] = []

    def handle(event: dict[str, Any], _: Delivery) -> None:
        got.append(event["id"])

    with serving(url, GATE, handle), serving(url, CAPTURE, handle):
        until(lambda: len(got) > taken, "all that was taken is handled")
        _publish(url, _wrap(e.BackupRequested(), "later"))
        until(lambda: "later" in got, "there is room again")
    assert "another queue's" in got


def test_junk_pushes_nothing_out_of_the_event_log(url: str, producer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies as long as they may be: each would fill a segment of this log, which keeps two or three."""
    small = topology.EVENT_LOG_ARGUMENTS | {"x-max-length-bytes": 600_000, "x-stream-max-segment-size-bytes": 200_000}
    monkeypatch.setattr(topology, "EVENT_LOG_ARGUMENTS", small)
    monkeypatch.setattr(topology, "MOST_UNREADABLE", 0)
    broker.declare(url)
    ended = _wrap(e.BackupCompleted(backup="b"), "how it ended")
    _publish(url, ended)
    padded = json.loads(e.encode(_wrap(e.BackupRequested(), "good"))) | {"padding": "x" * 200_000}
    bodies = [b"x" * e.MAX_BODY, json.dumps(padded).encode()]
    got: list[str] = []
    with serving(url, GATE, lambda event, _: got.append(event["id"])):
        assert _flood(producer_url, bodies * 20) == 40
        until(lambda: len(got) == 20, "all that is good is handled")
        expected = ["how it ended", *20 * ["good"]]
        until(lambda: [entry.event.id for entry in logged(url)] == expected, "nothing else is in the log")


def test_junk_displaces_no_dead_letter(url: str, producer_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "MOST_UNREADABLE", 10)
    broker.declare(url)

    def handle(event: dict[str, Any], _: Delivery) -> None:
        raise Park(f"{event['id']} was given up")

    with serving(url, GATE, handle):
        _publish(url, _wrap(e.BackupRequested(), "the first"))
        until(lambda: broker.queue_state(url, GATE.dead_letters).messages == 1, "it is parked")
        assert _flood(producer_url, [b"junk"] * 100) == 100
        _publish(url, _wrap(e.BackupRequested(), "the last"))
        until(lambda: broker.queue_state(url, GATE.dead_letters).messages == 11, "it has a place, too")
    reasons = [letter.reason for letter in broker.list_dead_letters(url, GATE.name)]
    assert len(reasons) == 11
    assert {"the first was given up", "the last was given up"} < set(reasons)
