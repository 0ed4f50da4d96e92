"""Whatever is published, the queue goes on: what is no good event is parked with a reason, and no thread dies."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dramatiq
import pika
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import events as e
from schemas import topology
from schemas.errors import Denied
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import reading, watching
from workers.deliveries import Delivery

GATE = topology.queue("license.gate")
GOOD = {"specversion": "1.0", "id": "x", "source": "tests", "type": "backup.requested.v1", "data": {}}
DRAMATIQ = {
    "queue_name": "license.gate",
    "actor_name": "handle",
    "args": [],
    "kwargs": {},
    "options": {},
    "message_id": "1",
    "message_timestamp": 1,
}


def _bodies() -> Iterator[tuple[str, bytes, str]]:
    """Name, body, and a word of the reason: what foreign clients get wrong, and what hostile ones send."""
    yield "nothing", b"", "not JSON"
    yield "not JSON", b"{", "not JSON"
    yield "not UTF-8", b"\xff\xfe\x00", "not JSON"
    yield "a list", b"[]", "not a CloudEvent"
    yield "a string", b'"backup.requested.v1"', "not a CloudEvent"
    yield "deep nesting", b"[" * 100_000, "not JSON"
    yield "a stock Dramatiq message", json.dumps(DRAMATIQ).encode(), "not a CloudEvent"
    yield "no id", _without("id"), "id"
    yield "no source", _without("source"), "source"
    yield "no data", _without("data"), "data"
    yield "no type", _without("type"), "'type'"
    yield "another spec version", _with(specversion="0.3"), "specversion"
    yield "a type that is a list", _with(type=["x"]), "'type'"
    yield "an unknown type", _with(type="backup.wished.v1"), "not known"
    yield "a future version", _with(type="backup.requested.v2"), "version 'v2'"
    yield "no version", _with(type="backup.requested"), "not known"
    yield "a wrong field", _with(data={"app": 7}), "data.app"
    yield "an empty name", _with(data={"app": ""}), "data.app"
    yield "data that is null", _with(data=None), "data"
    yield "options null", _with(data=[], options=None), "data"
    yield "for another queue", _with(type="backup.delete.requested.v1", data={"backup": "b"}), "not for the queue"
    yield "an internal event of another queue", _with(type="backup.licensed.v1", data={"backup": "b"}), "not for the"
    yield "an unknown field", _with(data={"ap": "shop"}), "no field 'ap'"
    yield "a huge id", _with(id="x" * 1010), "255"
    yield "an id with line breaks", _with(id="a\r\nX-Evil: 1"), "printable"
    yield "an id with a half character", _with(id="a\ud800"), "Invalid JSON"
    yield "a type with a half character", _with(type="backup.\ud800.v1"), "not known"
    yield "a source with NUL", _with(source="a\0b"), "printable"
    yield "a name with an escape", _with(data={"app": "\x1b[2J"}), "printable"
    yield "a long correlation", _with(correlationid="c" * 250_000), "correlationid"
    yield "a bad time", _with(time="yesterday"), "time"
    yield "10 MB", _with(data={"app": "x" * 10_000_000}), "bytes long"


def _without(field: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD.items() if key != field}).encode()


def _with(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


@contextmanager
def broker_channel(url: str) -> Iterator[Any]:
    """A plain pika channel, as any other client has."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
    finally:
        if connection.is_open:
            connection.close()


class _Served:
    """The queue license.gate, served by an actor that remembers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.handled: list[str] = []
        self.dead: list[str] = []
        self.workers: list[dramatiq.Worker] = []

    def handle(self, event: dict[str, Any], _: Delivery) -> None:
        self.handled.append(event["id"])

    def died(self, _: dramatiq.Worker, threads: list[str]) -> None:
        self.dead += threads


class _Remember(dramatiq.Middleware):
    def __init__(self, workers: list[dramatiq.Worker]) -> None:
        self._workers = workers

    def after_worker_boot(self, _: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._workers.append(worker)


@pytest.fixture
def served(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Served]:
    monkeypatch.setattr(watching, "LOOK", 0.1)
    found = _Served(url)
    with serving(url, GATE, found.handle, _Remember(found.workers), broker.ThreadWatch(found.died)):
        yield found


def _good(id_: str) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(), id=id_, source="tests", time=datetime.now(UTC))


def _send(url: str, bodies: list[bytes]) -> None:
    publisher = broker.Publisher(url, "tests")
    for body in bodies:
        # Straight to the queue: its bindings would keep many of these away from it.
        publisher.publish_to(body, GATE.name, {})
    publisher.publish(_good("the last"))
    publisher.close()


def _letters(url: str, queue: topology.Queue, number: int) -> list[broker.DeadLetter]:
    """The queue's dead letters, when there are so many: looked at again at once, some may not be back yet."""
    found: list[broker.DeadLetter] = []

    def all_are_there() -> bool:
        found[:] = broker.list_dead_letters(url, queue.name)
        return len(found) == number

    until(all_are_there, f"{number} are parked")
    return found


def test_every_malformed_body_is_parked_with_its_reason(served: _Served) -> None:
    bodies = list(_bodies())
    broker.declare(served.url)
    _send(served.url, [body for _, body, _ in bodies])
    until(lambda: "the last" in served.handled, "the good message behind them is handled")
    reasons = {letter.body: letter.reason for letter in _letters(served.url, GATE, len(bodies))}
    for name, body, word in bodies:
        assert word in reasons[reading.kept(body)], f"{name}: {reasons[reading.kept(body)]}"
    assert served.handled == ["the last"]
    assert served.dead == []
    assert served.workers
    assert all(thread.is_alive() for worker in served.workers for thread in worker.workers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def _broken(draw: st.DrawFn) -> bytes:
    """Random bytes, random JSON, or a good event with one random change that makes it bad."""
    match draw(st.integers(0, 3)):
        case 0:
            return draw(st.binary(max_size=300))
        case 1:
            return json.dumps(draw(JSON)).encode()
        case 2:
            body = json.dumps(GOOD).encode()
            return body[: draw(st.integers(0, len(body) - 1))]
        case _:
            field = draw(st.sampled_from(["specversion", "id", "source", "type", "data"]))
            return json.dumps({**GOOD, field: draw(st.integers() | st.lists(st.text(), max_size=2))}).encode()


def _thousand_bodies() -> list[bytes]:
    found: list[bytes] = []

    @settings(
        max_examples=1000, database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(_broken())
    def collect(body: bytes) -> None:
        found.append(body)

    collect()
    while len(found) < 1000:  # hypothesis leaves out what it has tried before
        found.append(random.Random(len(found)).randbytes(40))
    return found[:1000]


def test_a_thousand_random_bodies_are_parked(served: _Served) -> None:
    bodies = _thousand_bodies()
    broker.declare(served.url)
    _send(served.url, bodies)
    until(lambda: "the last" in served.handled, "the good message behind them is handled", seconds=120)
    assert all(letter.reason for letter in _letters(served.url, GATE, 1000))
    assert served.handled == ["the last"]
    assert served.dead == []


def test_internal_events_are_accepted_from_inside_only(url: str) -> None:
    capture = topology.queue("manifest.capture")
    internal = e.wrap(e.BackupLicensed(backup="b"), source="tests", time=datetime.now(UTC))
    got: list[str] = []

    def handle(_: dict[str, Any], delivery: Delivery) -> None:
        got.append(delivery.sender)

    with serving(url, capture, handle):
        broker.declare(url)
        with broker_channel(url) as channel:
            channel.basic_publish(topology.EVENTS, internal.type, e.encode(internal))
        [letter] = _letters(url, capture, 1)
        assert "from inside only" in letter.reason
        assert "snapline-sender" not in letter.reason
        with broker_channel(url) as channel:  # who may publish to the queue may forge our header, but not user_id
            forged = pika.BasicProperties(headers={"snapline-sender": "snapline"})
            channel.basic_publish(topology.EVENTS, internal.type, e.encode(internal), forged)
        _letters(url, capture, 2)
        publisher = broker.Publisher(url, "tests")
        publisher.publish(internal)
        publisher.close()
        until(lambda: got == ["snapline"], "ours is handled")


def test_the_broker_refuses_internal_events_and_forged_users_from_producers(url: str, producer_url: str) -> None:
    broker.declare(url)
    allowed = broker.Publisher(producer_url, "foreign")
    allowed.publish(_good("allowed"))
    internal = e.wrap(e.BackupLicensed(backup="b"), source="tests", time=datetime.now(UTC))
    with pytest.raises(Denied, match="producer"):
        allowed.publish(internal)
    allowed.close()
    forged = pika.BasicProperties(user_id="snapline")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker), broker_channel(producer_url) as channel:
        channel.basic_publish(topology.EVENTS, "backup.requested.v1", e.encode(_good("forged")), forged)


def test_a_dead_worker_thread_is_noticed(served: _Served) -> None:
    until(lambda: bool(served.workers), "it serves")
    served.workers[0].workers[0].stop()  # as if the thread had died
    until(lambda: bool(served.dead), "that is noticed")
    assert len(served.dead) == 1
