"""What becomes of a message by how its actor ended, also when nothing else works."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dramatiq.middleware import Shutdown, SkipMessage, TimeLimitExceeded

from schemas import events as e
from schemas import topology
from schemas.errors import TransientError
from schemas.rights import Rights
from workers.adapters.broker import LostDeliveries, SafeRetries
from workers.adapters.broker.consuming import DeliveredMessage, EventConsumer
from workers.adapters.broker.observing.spans import Spans
from workers.adapters.broker.reading import Reader
from workers.deliveries import Again, GaveUp, Park

GATE = topology.queue("license.gate")
REQUEST = e.wrap(e.BackupRequested(), id="r", source="tests", time=datetime.now(UTC))


@dataclass
class _Server:
    """A broker that records what it is given, after it has raised what it was told to."""

    raising: list[BaseException] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def republish(self, _: Any, again: Again) -> None:
        self._take(f"again {again.delay.total_seconds():g} {'counted' if again.counted else 'not counted'}")

    def park(self, _: Any, __: bytes, ___: Any, reason: str) -> None:
        self._take(f"parked: {reason}")

    def _take(self, what: str) -> None:
        if self.raising:
            raise self.raising.pop(0)
        self.given.append(what)


class _Properties:
    user_id = "snapline"
    headers: dict[str, Any] = {}
    message_id = "r"


class _Method:
    redelivered, delivery_tag = False, 1
    exchange, routing_key = topology.EVENTS, REQUEST.type


class _Channel:
    """As much of a consumer as a message needs, and what was acknowledged on it."""

    def __init__(self) -> None:
        self.acked: list[int] = []

    def add_callback_threadsafe(self, call: Any) -> None:
        call()

    def basic_ack(self, tag: int) -> None:
        self.acked.append(tag)

    def basic_nack(self, tag: int, requeue: bool) -> None:
        assert not requeue
        self.acked.append(-tag)


def _consumer() -> EventConsumer:
    consumer = EventConsumer.__new__(EventConsumer)
    consumer.queue, consumer.reader = GATE, Reader(GATE, Rights(line=frozenset({"snapline"})))
    consumer.channel = consumer.connection = _Channel()
    consumer.known_tags = {1}
    consumer.broker = SimpleNamespace(spans=Spans())
    return consumer


def _message(consumer: EventConsumer, attempt: int = 1, since: datetime | None = None) -> DeliveredMessage:
    body = e.encode(REQUEST)
    properties = _Properties()
    failing = {"snapline-failing-since": since.isoformat()} if since else {}
    properties.headers = {"snapline-attempt": attempt, **failing}
    arrived = consumer.reader.read(body, properties, _Method)
    return DeliveredMessage(consumer, _Method, properties, body, arrived)


def _ended(
    exception: BaseException | None,
    server: _Server | None = None,
    attempt: int = 1,
    since: datetime | None = None,
) -> tuple[_Server, list[int]]:
    """What the server was given, and what was acknowledged: a tag, or minus a tag for a rejection."""
    server, consumer = server or _Server(), _consumer()
    message = _message(consumer, attempt, since)
    SafeRetries(threading.Event()).after_process_message(server, message, exception=exception)  # type: ignore[arg-type]
    (consumer.nack if message.failed else consumer.ack)(message)
    return server, consumer.channel.acked


def test_a_message_is_plain_data_with_what_the_broker_knows_as_options() -> None:
    message = _message(_consumer(), attempt=3)
    assert (message.message_id, message.actor_name, message.queue_name) == ("r", GATE.name, GATE.name)
    assert message.args == ({**REQUEST.model_dump(mode="json", exclude_none=True, exclude={"data"}), "data": _data()},)
    assert message.kwargs == {}
    assert {"attempt": 3, "sender": "snapline"}.items() <= message.options.items()
    assert message.encode()


def _data() -> dict[str, Any]:
    return REQUEST.data.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize(
    ("exception", "given"),
    [
        (None, []),
        (GaveUp("recorded"), []),
        (Again(timedelta(seconds=5), "busy"), ["again 5 counted"]),
        (Again(timedelta(seconds=5), "waits", counted=False), ["again 5 not counted"]),
        (Park("wrong"), ["parked: wrong"]),
        (RuntimeError("a bug"), ["again 1 counted"]),
        (TimeLimitExceeded(), ["again 1 counted"]),
        (Shutdown(), ["again 1 not counted"]),
    ],
)
def test_what_an_actor_raises_is_carried_out_and_then_acknowledged(
    exception: BaseException | None, given: list[str]
) -> None:
    server, acked = _ended(exception)
    assert server.given == given
    assert acked == [1]


def test_a_bug_that_stays_is_parked_at_last() -> None:
    server, _ = _ended(RuntimeError("a bug"), attempt=30, since=datetime.now(UTC) - topology.PATIENCE)
    assert server.given == ["parked: RuntimeError after 30 attempts"]


def test_the_time_of_the_first_failure_in_a_row_goes_with_the_message() -> None:
    now, later = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)
    busy, stops = Again(timedelta(0), "busy"), Again(timedelta(0), "stops", counted=False)
    waits = Again(timedelta(0), "waits", counted=False, anew=True)
    fresh = _message(_consumer()).arrived
    assert "snapline-failing-since" not in fresh.headers(stops, now)
    assert fresh.headers(busy, now)["snapline-failing-since"] == now.isoformat()
    failing = _message(_consumer(), 4, now).arrived
    headers = [failing.headers(again, later) for again in (busy, stops, waits)]
    assert [each["snapline-attempt"] for each in headers] == [5, 4, 1]
    assert [each.get("snapline-failing-since") for each in headers] == [now.isoformat(), now.isoformat(), None]


@pytest.mark.parametrize("error", [TransientError("the queue is full"), TimeLimitExceeded()])
def test_what_cannot_be_republished_yet_is_tried_again(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.adapters.broker.settling.AGAIN", 0.01)
    server, acked = _ended(Park("wrong"), _Server([error, error]))
    assert server.given == ["parked: wrong"]
    assert acked == [1]


@pytest.mark.parametrize("lost", [True, False])
def test_what_cannot_be_republished_is_not_acknowledged(lost: bool) -> None:
    """Neither when the worker stops meanwhile, nor when the channel is gone."""
    consumer, stopping = _consumer(), threading.Event()
    message = _message(consumer)
    consumer.gone = lost
    if not lost:
        stopping.set()
    server = _Server([TransientError("away")] * 9)
    SafeRetries(stopping).after_process_message(server, message, exception=Park("wrong"))  # type: ignore[arg-type]
    consumer.gone = False
    consumer.ack(message)
    assert consumer.channel.acked == []
    assert server.given == []


def test_what_can_never_be_carried_out_is_rejected_to_the_dead_letters() -> None:
    _, acked = _ended(Park("wrong"), _Server([UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")]))
    assert acked == [-1]


def test_nothing_is_acknowledged_that_was_not_settled() -> None:
    """As when an interrupt has ended the thread, or the middleware was left out."""
    consumer = _consumer()
    message = _message(consumer)
    consumer.ack(message)
    consumer.nack(message)
    assert consumer.channel.acked == []


def test_a_message_is_acknowledged_on_its_own_channel_only() -> None:
    consumer, later = _consumer(), _consumer()
    message = _message(consumer)
    message.settled = True
    later.ack(message)
    later.nack(message)
    assert later.channel.acked == []
    consumer.gone = True
    consumer.ack(message)
    assert consumer.channel.acked == []


def test_what_waited_when_its_channel_was_lost_is_skipped() -> None:
    consumer = _consumer()
    message = _message(consumer)
    LostDeliveries().before_process_message(None, message)  # type: ignore[arg-type]
    consumer.gone = True
    with pytest.raises(SkipMessage):
        LostDeliveries().before_process_message(None, message)  # type: ignore[arg-type]
