"""What reaches a step from the accounts of EVENTS.md, on a real broker, whatever its topic permissions let through."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pydantic import SecretStr

from producers.actions import follow, jobs
from producers.bus import RabbitMQ
from schemas import events as e
from schemas import topology
from schemas.errors import Code
from schemas.settings import Settings
from tests.support.event_log import logged
from tests.support.front import Front
from tests.support.line import until
from tests.support.serving import serving
from workers import line
from workers.adapters import broker
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.deliveries import Delivery
from workers.needs import Needs
from workers.ports import Cluster, Destinations
from workers.receive import receive
from workers.repository import open_repository

GATE, MAINTAIN = topology.queue("license.gate"), topology.queue("repository.maintain")
DELETION = e.BackupDeleteRequested(backup="victim")


@contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    """As any other client has it."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        opened = connection.channel()
        opened.confirm_delivery()
        yield opened
    finally:
        if connection.is_open:
            connection.close()


def body(event: e.Event, id_: str = "evil") -> bytes:
    return e.encode(e.wrap(event, id=id_, source="outside", time=datetime.now(UTC)))


def sent_by(user: str | None, **more: Any) -> pika.BasicProperties:
    return pika.BasicProperties(delivery_mode=2, user_id=user, **more)


def parked(url: str, queue: topology.Queue) -> broker.DeadLetter:
    """The one message that has come to the queue, which was parked, not handled."""
    handled: list[str] = []

    def handle(event: dict[str, Any], _: Delivery) -> None:
        handled.append(event["type"])

    found: list[broker.DeadLetter] = []

    def read() -> bool:
        found[:] = broker.list_dead_letters(url, queue.name)
        return bool(handled or found)

    with serving(url, queue, handle):
        until(read, "it is read")
    assert handled == []
    [letter] = found
    return letter


def test_a_header_that_copies_a_message_to_another_key_brings_nothing_in(url: str, producer_url: str) -> None:
    broker.declare(url)
    with channel(producer_url) as opened:
        copied = sent_by("producer", headers={"CC": [DELETION.type]})
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", body(DELETION), copied, mandatory=True)
    letter = parked(url, MAINTAIN)
    assert "came with the routing key 'backup.requested.v1'" in letter.reason
    assert letter.sender == "producer"


@pytest.mark.parametrize("event", [DELETION, e.RestoreCompleted(restore="victim", backup="b")])
def test_a_dead_letter_exchange_of_an_outsiders_queue_brings_nothing_in(
    url: str, producer_url: str, event: e.Event
) -> None:
    broker.declare(url)
    [queue] = topology.hearing(event)[-1:]
    with channel(producer_url) as opened:
        arguments = {
            "x-dead-letter-exchange": topology.EVENTS,
            "x-dead-letter-routing-key": event.type,
            "x-message-ttl": 0,
        }
        own = opened.queue_declare("", arguments=arguments).method.queue
        opened.queue_bind(own, topology.EVENTS, "backup.requested.v1")
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", body(event), sent_by("producer"), mandatory=True)
        letter = parked(url, queue)
    assert "came through a dead-letter exchange" in letter.reason


def test_a_message_whose_key_is_not_its_types_is_parked(url: str, operator_url: str) -> None:
    broker.declare(url)
    with channel(operator_url) as opened:
        asked = body(e.RestoreRequested(backup="b"))
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", asked, sent_by("operator"), mandatory=True)
    assert "its own is 'restore.requested.v1'" in parked(url, GATE).reason


def test_a_request_without_a_sender_is_parked(url: str, producer_url: str) -> None:
    broker.declare(url)
    with channel(producer_url) as opened:
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", body(e.BackupRequested()), sent_by(None))
    assert "user_id" in parked(url, GATE).reason


def test_the_broker_itself_refuses_what_is_not_granted(url: str, producer_url: str, operator_url: str) -> None:
    broker.declare(url)
    requests = [kind for name, kind in e.KINDS.items() if name in e.REQUESTS]
    for account, granted in ((producer_url, {"backup.requested.v1"}), (operator_url, set(e.REQUESTS))):
        for key in [*(kind.type for kind in requests), "backup.requested.v1.shop", "backup.licensed.v1"]:
            with channel(account) as opened:
                if key in granted:
                    opened.basic_publish(topology.EVENTS, key, b"", mandatory=True)
                    continue
                with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
                    opened.basic_publish(topology.EVENTS, key, b"", mandatory=True)
                assert refused.value.reply_code == 403


class Worker(Needs):
    """A worker's needs, over twins."""

    def trusted_keys(self) -> Mapping[str, bytes]:
        return {}

    @cached_property
    def cluster(self) -> Cluster:
        return MemoryCluster()

    @cached_property
    def destinations(self) -> Destinations:
        store = MemoryObjectStore()
        return MemoryDestinations({"default": (store, open_repository(store, "a passphrase"))})


@pytest.mark.parametrize(("named", "code"), [("", Code.SENDER_NOT_ALLOWED), ("operator", Code.NO_SUCH_BACKUP)])
def test_a_deletion_is_refused_unless_a_setting_names_its_sender(
    url: str, operator_url: str, named: str, code: Code
) -> None:
    broker.declare(url)
    needs = Worker(Settings(amqp_url=SecretStr(url), upkeep_users=named))
    with channel(operator_url) as opened:
        opened.basic_publish(topology.EVENTS, DELETION.type, body(DELETION), sent_by("operator"), mandatory=True)
    told: list[e.AnyEvent] = []

    def handle(event: dict[str, Any], via: Delivery) -> None:
        receive(event, line.row(MAINTAIN, needs), told.append, via)

    with serving(url, MAINTAIN, handle):
        until(lambda: bool(told), "it is answered")
    [answer] = told
    assert isinstance(answer.data, e.BackupDeleteFailed)
    assert answer.data.reason.code == code
    assert answer.correlationid == "evil"


@pytest.mark.parametrize("account", ["producer", "operator"])
def test_nothing_that_others_publish_gets_into_the_log_but_requests_that_are_taken_up(
    url: str, producer_url: str, operator_url: str, account: str
) -> None:
    broker.declare(url)
    theirs = producer_url if account == "producer" else operator_url
    forged, asked = body(e.BackupCompleted(backup="victim")), body(e.BackupRequested(), "asked")
    copied = sent_by(account, headers={"CC": ["backup.completed.v1", topology.EVENT_LOG]})
    with channel(theirs) as opened:
        for properties in (sent_by(account), sent_by(None), copied):
            opened.basic_publish(topology.EVENTS, "backup.requested.v1", forged, properties, mandatory=True)
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", asked, sent_by(account), mandatory=True)
    for exchange, key in ((topology.TOLD, "backup.completed.v1"), (topology.WORK, topology.EVENT_LOG)):
        with channel(theirs) as opened, pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            opened.basic_publish(exchange, key, forged, sent_by(account), mandatory=True)
        assert refused.value.reply_code == 403
        with channel(theirs) as opened, pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            opened.queue_declare("", exclusive=True, arguments={"x-dead-letter-exchange": exchange})
        assert refused.value.reply_code == 403
    got: list[str] = []
    with serving(url, GATE, lambda event, _: got.append(event["id"])):
        until(lambda: got == ["asked"], "the request is taken up")
        until(lambda: _senders(url) == [("asked", account)], "it is in the log, and nothing else")


def _senders(url: str) -> list[tuple[str, str]]:
    return [(entry.event.id, entry.sender) for entry in logged(url)]


def test_the_same_id_with_other_data_is_refused_and_is_another_request_of_another_sender(
    url: str, producer_url: str, operator_url: str
) -> None:
    broker.declare(url)
    needs, told = Worker(Settings(amqp_url=SecretStr(url))), list[e.Event]()

    def handle(event: dict[str, Any], via: Delivery) -> None:
        receive(event, line.row(GATE, needs), lambda answer: told.append(answer.data), via)

    def answer(account: str, user: str, app: str) -> e.BackupRejected:
        told.clear()
        with channel(account) as opened:
            asked = body(e.BackupRequested(app=app), "nightly")
            opened.basic_publish(topology.EVENTS, "backup.requested.v1", asked, sent_by(user), mandatory=True)
        until(lambda: bool(told), "it is answered")
        [rejected] = told
        assert isinstance(rejected, e.BackupRejected)
        return rejected

    with serving(url, GATE, handle):
        first = answer(producer_url, "producer", "shop")
        other = answer(producer_url, "producer", "blog")
        again = answer(producer_url, "producer", "shop")
        others = answer(operator_url, "operator", "blog")
    assert [reason.code for reason in other.reasons] == [Code.REQUEST_DIFFERS]
    assert "app was 'shop', not 'blog'" in other.reasons[0].text
    assert again == first
    assert {each.reasons[0].code for each in (first, others)}.isdisjoint({Code.REQUEST_DIFFERS})


@pytest.mark.parametrize(("id_", "reason"), [("x" * 256, "255"), ("a\r\nX-Evil: 1", "printable")])
def test_ids_that_are_too_long_or_not_printable_are_parked(url: str, producer_url: str, id_: str, reason: str) -> None:
    broker.declare(url)
    with channel(producer_url) as opened:
        asked = body(e.BackupRequested()).replace(b'"evil"', json.dumps(id_).encode())
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", asked, sent_by("producer"), mandatory=True)
    letter = parked(url, GATE)
    assert reason in letter.reason
    assert letter.reason.isprintable()
    assert letter.sender == "producer"


def test_an_end_with_the_correlation_of_anothers_request_does_not_end_their_waiting(
    url: str, producer_url: str, tmp_path: Path
) -> None:
    broker.declare(url)
    front = Front(tmp_path, amqp_url=SecretStr(url), bus=RabbitMQ(url, "tests"))
    requested = jobs.take(front.session, "shop")
    ended = e.BackupFailed(backup=requested.job.name)
    told = e.wrap(ended, source="x", time=datetime.now(UTC)).model_copy(update={"correlationid": requested.event.id})
    with front.session, channel(producer_url) as opened:
        waiting = follow.follow(front.session, requested)
        next(waiting)
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", e.encode(told), sent_by("producer"))
        news = e.NotificationDelivered(event="e", target="t")
        front.session.bus.publish(told.model_copy(update={"type": news.type, "data": news}))
        assert next(waiting).final is None
        front.session.bus.publish(told)
        *_, last = waiting
    assert (last.final, last.doubted) == (ended, frozenset())
