"""Dramatiq over our bus: its actors are sent to, and its own middleware sees the truth."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dramatiq
import pytest

from schemas import events as e
from schemas import topology
from schemas.errors import Invalid, MalformedEvent, NotYet, TransientError
from schemas.job import Job
from schemas.settings import Settings
from tests.support.event_log import logged
from tests.support.line import until
from tests.support.serving import broker_for, running, serving
from workers import app
from workers.adapters import broker
from workers.adapters.broker.observing.metrics import Metrics
from workers.adapters.telemetry.metering import Meter
from workers.deliveries import Again, Delivery
from workers.jobs.slicing import Slicing
from workers.needs import Needs
from workers.patience import Patience
from workers.receive import Row, receive

GATE = topology.queue("license.gate")
NODE = topology.volumes("node-a")
Document = dict[str, Any]


def _document(event: e.Event, id_: str) -> Document:
    wrapped = e.wrap(event, id=id_, source="tests", time=datetime.now(UTC))
    return json.loads(e.encode(wrapped))  # type: ignore[no-any-return]


def _request(id_: str) -> Document:
    return _document(e.BackupRequested(), id_)


def _publish(url: str, document: Document) -> None:
    publisher = broker.Publisher(url, "tests")
    publisher.publish(e.parse(json.dumps(document).encode()))
    publisher.close()


def _stepping(step: Callable[[], Iterator[e.Event]], told: list[e.Event]) -> Callable[[Document, Delivery], None]:
    """An actor as workers/actors.py has them, over one step."""
    row = Row(lambda _, __: step())
    return lambda event, delivery: receive(event, row, lambda said: told.append(said.data), delivery)


def test_what_is_sent_to_an_actor_reaches_its_worker_as_an_event(url: str) -> None:
    sending = app.make_broker(Needs(Settings.model_validate({"amqp_url": url})))
    gate = sending.get_actor("license.gate")
    got: list[tuple[Document, str]] = []
    with serving(url, GATE, lambda event, delivery: got.append((event, delivery.sender))):
        message = gate.send(_request("sent"))
        until(lambda: len(got) == 1, "it arrives")
        gate.send_with_options(args=(_request("sent later"),), delay=500)
        until(lambda: len(got) == 2, "it arrives later")
    assert message.message_id == "sent"
    assert [(event["id"], sender) for event, sender in got] == [("sent", "snapline"), ("sent later", "snapline")]
    until(lambda: [entry.event.id for entry in logged(url)] == ["sent", "sent later"], "both are in the log")
    sending.close()


def test_every_queue_of_the_line_has_an_actor_of_its_name(url: str) -> None:
    made = app.make_broker(Needs(Settings.model_validate({"amqp_url": url})))
    assert made.get_declared_actors() == set(topology.QUEUES)
    assert {actor.queue_name for actor in made.actors.values()} == set(topology.QUEUES)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "not a CloudEvent"),
        ({**_request("x"), "type": "backup.requested.v9"}, "version 'v9'"),
        (_document(e.TickMinute(minute="now"), "x"), "not for the queue license.gate"),
    ],
)
def test_what_an_actor_does_not_hear_cannot_be_sent_to_it(url: str, document: Document, problem: str) -> None:
    made = broker_for(url, GATE, lambda _, __: None, stopping=threading.Event())
    with pytest.raises(MalformedEvent, match=problem):
        made.get_actor(GATE.name).send(document)


def test_a_thread_that_hangs_in_its_step_is_known_until_the_step_ends(url: str) -> None:
    now = [0.0]
    times, entered, leave = broker.StepTimes(lambda: now[0]), threading.Event(), threading.Event()

    def handle(_: Document, __: Delivery) -> None:
        entered.set()
        leave.wait(60)

    with serving(url, GATE, handle, times):
        _publish(url, _request("hangs"))
        assert entered.wait(60)
        now[0] = topology.HUNG_AFTER.total_seconds()
        assert times.longer_than(topology.HUNG_AFTER) == []
        now[0] += 1
        assert len(times.longer_than(topology.HUNG_AFTER)) == 1
        leave.set()
        until(lambda: times.longer_than(topology.HUNG_AFTER) == [], "it has ended")


def test_a_step_that_waits_for_the_broker_does_not_hang() -> None:
    now = [0.0]
    times = broker.StepTimes(lambda: now[0])
    times.before_process_message()
    times.after_process_message()  # what settles the outcome comes after it
    now[0] = 2 * topology.HUNG_AFTER.total_seconds()
    assert times.longer_than(topology.HUNG_AFTER) == []
    order = [type(each) for each in app.middleware(threading.Event(), Patience(), times)]
    assert order.index(broker.SafeRetries) < order.index(broker.StepTimes)  # the first ends last


def test_deliveries_are_counted_by_what_became_of_them(url: str) -> None:
    meter = Meter()
    metrics = Metrics(meter)
    raises: dict[str, list[Exception]] = {
        "fails": [TransientError("busy"), RuntimeError("a bug")],
        "waits": [NotYet("a pod"), NotYet("a pod")],
        "parked": [Invalid("nobody can do that")],
        "done": [],
    }
    done: list[str] = []

    def handle(event: Document, delivery: Delivery) -> None:
        def step(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
            if raises[event["id"]]:
                raise raises[event["id"]].pop(0)
            done.append(event["id"])
            return iter(())

        receive(event, Row(step), lambda _: None, delivery)

    with serving(url, GATE, handle, metrics):
        for id_ in raises:
            _publish(url, _request(id_))
        until(lambda: sorted(done) == ["done", "fails", "waits"], "all but the parked one are done")
        until(lambda: sum(_outcomes(meter).values()) == 8, "all are counted")
        assert 'snapline_worker_connected{queue="license.gate"} 1.0' in meter.text().decode()
    assert _outcomes(meter) == {"done": 3, "waiting": 2, "retry": 2, "failed": 0, "parked": 1}
    text = meter.text().decode()
    assert 'snapline_messages_in_flight{queue="license.gate"} 0.0' in text
    assert 'snapline_message_waiting_seconds_count{queue="license.gate"} 4.0' in text  # each on its first delivery
    count = r'snapline_message_handling_seconds_count{event="backup.requested.v1",queue="license.gate"} 8.0'
    assert count in text


def _outcomes(meter: Meter) -> dict[str, float]:
    labels = r'{event="backup\.requested\.v1",outcome="(\w+)",queue="license\.gate"}'
    found = re.finditer(rf"^snapline_messages_total{labels} (\S+)$", meter.text().decode(), re.MULTILINE)
    return {match[1]: float(match[2]) for match in found}


def test_a_time_limit_interrupts_a_step_which_has_then_failed(url: str) -> None:
    attempts: list[int] = []
    meter = Meter()

    def handle(event: Document, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)

        def step() -> Iterator[e.Event]:
            while len(attempts) == 1:
                time.sleep(0.01)
            yield e.BackupLicensed(backup="b")

        _stepping(step, told)(event, delivery)

    told: list[e.Event] = []
    with serving(url, GATE, handle, Metrics(meter), time_limit=500):
        _publish(url, _request("long"))
        until(lambda: bool(told), "it is done at last")
    assert attempts == [*range(1, len(attempts) + 1)]  # more than two where even the next is interrupted
    assert len(attempts) >= 2
    assert _outcomes(meter) == {"done": 1, "waiting": 0, "retry": len(attempts) - 1, "failed": 0, "parked": 0}
    assert _waiting(url, GATE) == 0


def test_a_shutdown_ends_a_slice_at_a_good_place_and_it_goes_on_elsewhere(url: str) -> None:
    """The slice is asked to stop, saves how far it has come and tells of the next one; nothing counts as a failure."""
    stopping, told, saved = threading.Event(), list[e.Event](), list[str]()
    slicing = Slicing(timedelta(hours=10), stopping.is_set, _Nobody())
    begun = threading.Event()

    def step() -> Iterator[e.Event]:
        stop = slicing.stop(Job("backup", "b"))
        begun.set()
        while not stop():
            time.sleep(0.01)
        saved.append("state")
        yield e.VolumesCopyRequested(backup="b", node="node-a", pod="ns/pod", slice=1)

    made = broker_for(url, NODE, _stepping(step, told), stopping=stopping)
    with running(made, NODE):
        _publish(url, _document(e.VolumesCopyRequested(backup="b", node="node-a", pod="ns/pod"), "slice"))
        until(begun.is_set, "the slice is on its way")
    assert saved == ["state"]
    assert told == [e.VolumesCopyRequested(backup="b", node="node-a", pod="ns/pod", slice=1)]
    assert _waiting(url, NODE) == 0


class _Nobody:
    """Nobody cancels anything."""

    def cancelled(self, job: Job) -> bool:
        return False


def test_an_actor_that_is_notified_of_a_shutdown_is_called_again_without_counting(url: str) -> None:
    attempts: list[int] = []

    def handle(event: Document, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        _stepping(step, [])(event, delivery)

    def step() -> Iterator[e.Event]:
        while len(attempts) == 1:
            time.sleep(0.01)
        return iter(())

    with serving(url, GATE, handle, notify_shutdown=True):
        _publish(url, _request("stopped"))
        until(lambda: attempts == [1], "it is on its way")
    with serving(url, GATE, handle):
        until(lambda: len(attempts) == 2, "it is called again")
    assert attempts == [1, 1]


def test_a_message_that_cannot_be_republished_is_not_acknowledged(url: str) -> None:
    attempts: list[int] = []

    def handle(_: Document, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        if len(attempts) == 1:
            raise Again(timedelta(seconds=1), "busy")

    stopping = threading.Event()
    made = broker_for(url, GATE, handle, stopping=stopping)
    refused = threading.Event()

    def refuse(*_: object) -> None:
        refused.set()
        raise TransientError("the queue is full")

    made.publisher.publish_delayed = refuse  # type: ignore[method-assign, assignment]
    with running(made, GATE):
        _publish(url, _request("kept"))
        until(refused.is_set, "it could not be republished")
    with serving(url, GATE, handle):
        until(lambda: len(attempts) == 2, "the broker delivers it again")
    assert attempts == [1, 1]
    assert broker.list_dead_letters(url, GATE.name) == []


def test_a_late_acknowledgement_does_not_hit_another_message(url: str) -> None:
    """Tags begin at 1 on every channel. The first run ends when its channel is gone, and what is being worked on by
    then has its tag: it must still be the broker's, which shows when that channel goes too."""
    entered, leave = list[str](), [threading.Event(), threading.Event()]

    def handle(event: Document, _: Delivery) -> None:
        entered.append(event["id"])
        if len(entered) <= len(leave):
            leave[len(entered) - 1].wait(60)

    seen = _Consumers()
    one_thread = topology.Queue(GATE.name, GATE.hears, threads=1)
    made = broker_for(url, GATE, handle, seen, stopping=threading.Event())
    with running(made, one_thread):
        _publish(url, _request("a"))
        until(lambda: entered == ["a"], "it is on its way")
        _lose_channel(seen)
        until(lambda: _unacknowledged(seen) == 1, "it has come again, and has the tag 1 again")
        leave[0].set()
        until(lambda: entered == ["a", "a"], "the first run has ended, the second begun")
        _lose_channel(seen)
        leave[1].set()
        until(lambda: len(entered) == 3, "the broker delivers it a third time")
        until(lambda: _waiting(url, GATE) == 0 and _unacknowledged(seen) == 0, "nothing is left")
    assert entered == ["a", "a", "a"]


def _lose_channel(seen: "_Consumers") -> None:
    """Closes the consumer's connection, and waits for another."""
    lost: Any = seen.consumers[GATE.name].consumer
    lost.connection.add_callback_threadsafe(lost.connection.close)
    until(lambda: seen.consumers[GATE.name].consumer is not lost, "it consumes again")


class _Consumers(dramatiq.Middleware):
    def after_worker_boot(self, _: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self.consumers = worker.consumers


def _unacknowledged(seen: _Consumers) -> int:
    return len(seen.consumers[GATE.name].consumer.known_tags)  # type: ignore[union-attr]


def _waiting(url: str, queue: topology.Queue) -> int:
    """Messages in a queue that no consumer has."""
    with broker.connection.channel(url, "look") as channel:
        return int(channel.queue_declare(queue.name, passive=True).method.message_count)
