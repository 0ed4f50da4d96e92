"""What every bus does: the one in memory and RabbitMQ, by the same tests."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from schemas import events as e
from schemas import topology
from schemas.errors import Invalid
from tests.support.event_log import logged
from tests.support.line import until
from tests.support.serving import Handle, serving
from workers.adapters import broker
from workers.adapters.broker import DeadLetter, Logged, Start, declaring
from workers.adapters.twins.bus import MemoryBus
from workers.deliveries import Again, Delivery, GaveUp, Park

GATE = topology.queue("license.gate")
FINALIZE = topology.queue("backup.finalize")
Document = dict[str, Any]


class Bus(Protocol):
    """What the tests need of one."""

    def publish(self, event: e.AnyEvent) -> None: ...
    def publish_raw(self, body: bytes, routing_key: str) -> None: ...
    def serving(self, queue: topology.Queue, handle: Handle) -> AbstractContextManager[None]: ...
    def log(self, since: datetime | None = None) -> list[e.AnyEvent]: ...
    def senders(self) -> list[str]: ...
    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]: ...
    def dead_letters(self, queue: str) -> list[DeadLetter]: ...
    def count_dead_letters(self, queues: Sequence[str]) -> int: ...
    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int: ...
    def drop(self, queue: str, ids: set[str] | None = None) -> int: ...


class Rabbit:
    """RabbitMQ as a Bus."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._publisher = broker.Publisher(url, "tests")
        self.publish = self._publisher.publish
        self.close = self._publisher.close

    def serving(self, queue: topology.Queue, handle: Handle) -> AbstractContextManager[None]:
        return serving(self._url, queue, handle)

    def publish_raw(self, body: bytes, routing_key: str) -> None:
        declaring.declare_if_allowed(self._url)  # raw bytes say of no queue that it has to be there
        self._publisher.publish_raw(body, routing_key)

    def senders(self) -> list[str]:
        return [entry.sender for entry in logged(self._url)]

    def log(self, since: datetime | None = None) -> list[e.AnyEvent]:
        return [entry.event for entry in logged(self._url, since or "first")]

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        return broker.read_slice(self._url, start, most, until)

    def dead_letters(self, queue: str) -> list[DeadLetter]:
        return broker.list_dead_letters(self._url, queue)

    def count_dead_letters(self, queues: Sequence[str]) -> int:
        return broker.count_dead_letters(self._url, queues)

    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int:
        return broker.redrive(self._url, queue, ids, bodies=bodies)

    def drop(self, queue: str, ids: set[str] | None = None) -> int:
        return broker.drop(self._url, queue, ids)


class Memory(MemoryBus):
    """The twin as a Bus."""

    def senders(self) -> list[str]:
        return [entry.sender for entry in self.read_log()]

    def log(self, since: datetime | None = None) -> list[e.AnyEvent]:
        return [entry.event for entry in self.read_log(since or "first")]


@pytest.fixture(params=["memory", "rabbitmq"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    if request.param == "memory":
        yield Memory()
        return
    with closing(Rabbit(request.getfixturevalue("url"))) as rabbit:
        yield rabbit


def _request(id_: str, app: str | None = None) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(app=app), id=id_, source="tests", time=datetime.now(UTC))


def _news(id_: str) -> e.AnyEvent:
    """Which nobody hears but the log."""
    return e.wrap(e.NotificationDelivered(event="e", target="t"), id=id_, source="tests", time=datetime.now(UTC))


def test_a_queue_gets_what_it_hears_and_nothing_else(bus: Bus) -> None:
    got: list[str] = []

    def handle(event: Document, _: Delivery) -> None:
        got.append(event["type"])

    bus.publish(_request("a"))
    bus.publish(e.wrap(e.BackupPlanned(backup="b", objects=1, pods=0), source="tests", time=datetime.now(UTC)))
    with bus.serving(GATE, handle):
        until(lambda: bool(got), "the request arrives")
    assert got == ["backup.requested.v1"]
    with bus.serving(FINALIZE, handle):
        until(lambda: len(got) == 2, "the plan arrives")
    assert got == ["backup.requested.v1", "backup.planned.v1"]


def test_a_retry_comes_back_later_with_its_attempt_counted_and_its_sender_kept(bus: Bus) -> None:
    seen: list[tuple[int, str, datetime]] = []

    def handle(_: Document, delivery: Delivery) -> None:
        seen.append((delivery.attempt, delivery.sender, delivery.first_seen))
        if len(seen) < 3:
            raise Again(timedelta(seconds=0.5), "not yet", counted=len(seen) == 1)

    with bus.serving(GATE, handle):
        bus.publish(_request("a"))
        until(lambda: len(seen) == 3, "three deliveries")
    assert [attempt for attempt, *_ in seen] == [1, 2, 2]
    assert {sender for _, sender, _ in seen} == {"snapline"}
    assert seen[1][2] == seen[2][2]
    assert bus.dead_letters(GATE.name) == []


def test_what_an_actor_raises_besides_outcomes_is_tried_again(bus: Bus) -> None:
    seen: list[int] = []

    def handle(_: Document, delivery: Delivery) -> None:
        seen.append(delivery.attempt)
        if len(seen) == 1:
            raise RuntimeError("a bug")

    with bus.serving(GATE, handle):
        bus.publish(_request("a"))
        until(lambda: len(seen) == 2, "it comes again")
    assert seen == [1, 2]


def test_what_was_given_up_is_done(bus: Bus) -> None:
    seen: list[str] = []

    def handle(event: Document, _: Delivery) -> None:
        seen.append(event["id"])
        if event["id"] == "a":
            raise GaveUp("and that is recorded")

    with bus.serving(GATE, handle):
        bus.publish(_request("a"))
        bus.publish(_request("b"))
        until(lambda: len(seen) == 2, "both are handled")
    with bus.serving(GATE, handle):
        bus.publish(_request("c"))
        until(lambda: len(seen) == 3, "the third is handled")
    assert seen[2] == "c"
    assert bus.dead_letters(GATE.name) == []


def test_a_parked_message_can_be_looked_at_redriven_and_dropped(bus: Bus) -> None:
    reasons = ["first", "second"]
    handled: list[str] = []

    def handle(event: Document, _: Delivery) -> None:
        handled.append(event["id"])
        raise Park(reasons.pop(0))

    with bus.serving(GATE, handle):
        bus.publish(_request("a"))
        looks = iter(lambda: bus.dead_letters(GATE.name), None)
        [letter] = next(found for found in looks if found)  # a look puts back what it has read, but a moment later
        assert (letter.reason, letter.sender, letter.type) == ("first", "snapline", "backup.requested.v1")
        assert e.parse(letter.body).id == "a"
        assert bus.redrive(GATE.name, {"another"}) == 0
        until(lambda: bus.redrive(GATE.name, {letter.id}) == 1, "it is back, and goes")
        until(lambda: [each.reason for each in bus.dead_letters(GATE.name)] == ["second"], "it is parked again")
        until(lambda: bus.drop(GATE.name) == 1, "it is back, and dropped")
        assert bus.dead_letters(GATE.name) == []
    assert handled == ["a", "a"]


def test_bad_messages_are_parked_with_reasons_and_the_queue_goes_on(bus: Bus) -> None:
    got: list[str] = []

    def handle(event: Document, _: Delivery) -> None:
        got.append(event["id"])

    with bus.serving(GATE, handle):
        bus.publish_raw(b"not json", "backup.requested.v1")
        bus.publish_raw(b'{"specversion": "1.0", "type": "backup.requested.v9"}', "backup.requested.v9")
        bus.publish(_request("good"))
        until(lambda: got == ["good"], "the good one is handled")
        reasons: set[str] = set()

        def both_are_parked() -> bool:  # what a look has seen is out of the next one's sight for a moment
            reasons.update(letter.reason for letter in bus.dead_letters(GATE.name))
            return len(reasons) == 2

        until(both_are_parked, "the others are parked")
    not_json, unknown = sorted(reasons)
    assert not_json.startswith("body is not JSON")
    assert unknown.startswith("version 'v9' of 'backup.requested' is not known here")


def test_work_for_a_node_waits_for_its_worker(bus: Bus) -> None:
    got: list[str] = []

    def handle(event: Document, _: Delivery) -> None:
        got.append(event["subject"])

    work = e.VolumesCopyRequested(backup="b", node="node-a", pod="ns/pod")
    bus.publish(e.wrap(work, source="tests", time=datetime.now(UTC)))
    with bus.serving(topology.volumes("node-b"), handle), bus.serving(topology.volumes("node-a"), handle):
        until(lambda: bool(got), "it arrives")
    assert got == ["b"]


def test_the_log_has_every_event_in_order_from_any_time_on(bus: Bus) -> None:
    for number in range(20):
        bus.publish(_news(str(number)))
    middle = datetime.now(UTC)
    for number in range(20, 30):
        bus.publish(_news(str(number)))
    assert [event.id for event in bus.log()] == [str(number) for number in range(30)]
    assert [event.id for event in bus.log(middle)] == [str(number) for number in range(20, 30)]


def test_a_request_is_in_the_log_once_somebody_has_taken_it_up_however_often_it_comes_back(bus: Bus) -> None:
    attempts: list[int] = []

    def handle(_: Document, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        if len(attempts) < 3:
            raise Again(timedelta(seconds=0.5), "not yet")

    bus.publish(_news("before"))
    bus.publish(_request("a"))
    assert [event.id for event in bus.log()] == ["before"]
    with bus.serving(GATE, handle):
        until(lambda: len(attempts) == 3, "it is done")
    bus.publish(_news("after"))
    assert [event.id for event in bus.log()] == ["before", "a", "after"]


def test_what_is_no_request_is_not_in_the_log(bus: Bus) -> None:
    bus.publish_raw(b"junk", "backup.requested.v1")
    with bus.serving(GATE, lambda _, __: None):
        until(lambda: len(bus.dead_letters(GATE.name)) == 1, "it is parked")
    assert bus.count_dead_letters([GATE.name, "volumes.nowhere"]) == 1
    assert bus.log() == []


def test_there_are_no_dead_letters_of_a_queue_that_cannot_be(bus: Bus) -> None:
    for ask in (bus.dead_letters, bus.redrive, bus.drop):
        with pytest.raises(Invalid, match="there is no queue 'nope'"):
            ask("nope")


def test_the_log_says_who_has_sent_what(bus: Bus) -> None:
    bus.publish(_news("a"))
    until(lambda: bus.senders() == ["snapline"], "it is in the log with its sender")


def test_a_part_of_the_log_is_read_by_offset_and_by_time(bus: Bus) -> None:
    for number in range(250):
        bus.publish(_news(str(number)))
    until(lambda: [each.event.id for each in bus.log_slice("last", 1000)][-1:] == ["249"], "all of it is in the log")
    newest = bus.log_slice("last", 1000)[-1]
    part = bus.log_slice(newest.offset - 220, 1000, newest.offset - 10)
    assert [logged.event.id for logged in part] == [str(number) for number in range(29, 240)]
    assert [logged.offset for logged in part] == [*range(newest.offset - 220, newest.offset - 9)]
    assert [logged.event.id for logged in bus.log_slice("first", 3)] == ["0", "1", "2"]
    after = bus.log_slice(newest.event.time, 1000)
    assert after[-1].event.id == "249"


def test_a_dead_letter_goes_back_with_another_body(bus: Bus) -> None:
    got: list[Document] = []

    def handle(event: Document, delivery: Delivery) -> None:
        got.append({**event, "sender": delivery.sender})

    bus.publish_raw(b"junk", "backup.requested.v1")
    with bus.serving(GATE, lambda _, __: None):
        until(lambda: len(bus.dead_letters(GATE.name)) == 1, "it is parked")
    [letter] = bus.dead_letters(GATE.name)
    assert bus.redrive(GATE.name, {letter.id}, {letter.id: e.encode(_request("mended"))}) == 1
    with bus.serving(GATE, handle):
        until(lambda: got != [], "it arrives")
    assert [(event["id"], event["sender"]) for event in got] == [("mended", "snapline")]
    assert bus.dead_letters(GATE.name) == []
