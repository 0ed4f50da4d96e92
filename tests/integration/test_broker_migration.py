"""A broker of an older version comes over to this one; nothing is lost, also if it is killed while messages flow."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import broker_queues, topology
from schemas import events as e
from schemas.broker_queues import Declared
from schemas.errors import Code, SnaplineError, TransientError
from schemas.rights import Rights
from tests.support.line import until
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, migrating, reading
from workers.adapters.broker.migrating import Difference, Trust
from workers.adapters.broker.migrating.differences import STAND_IN
from workers.deliveries import Delivery

pytestmark = pytest.mark.timeout(600)
GATE, NODE = topology.queue("license.gate"), topology.volumes("node-a")
OLDER = {"x-queue-type": "quorum", "x-delivery-limit": 5}
TRUST = Trust("snapline", Rights(line=frozenset({"snapline"})))
RUNG = topology.DELAYS[-1]


def _older(url: str, *queues: Declared) -> None:
    """The broker as an older version has left it, with other arguments of `queues`."""
    broker.declare(url, ["node-a"])
    with connection.channel(url, "make queues of an older version") as channel:
        for each in queues:
            channel.queue_delete(each.name)
            channel.queue_declare(each.name, durable=True, arguments=OLDER)
            for source, key in each.bindings:
                channel.queue_bind(each.name, source, key)


def _request(id_: str) -> e.AnyEvent:
    return e.wrap(e.BackupRequested(), id=id_, source="tests", time=datetime.now(UTC))


def _publish(url: str, ids: list[str]) -> None:
    publisher = broker.Publisher(url, "tests")
    for id_ in ids:
        publisher.publish(_request(id_))
    publisher.close()


def _migrate(url: str, nodes: tuple[str, ...] = ("node-a",), patience: float = 60) -> list[tuple[str, str, int]]:
    """What was done, but for rungs of ladders, which who publishes declares when they are wanted."""
    done = migrating.migrate(url, nodes, TRUST, patience=patience)
    return [(each.name, each.action, each.moved) for each in done if each.action != "declared"]


def _different(url: str) -> list[Difference]:
    return [each for each in migrating.check(url, ()) if each.state != "missing"]


def _handled(url: str, enough: Callable[[set[str]], bool]) -> tuple[set[str], set[str]]:
    """The ids that the gate's worker gets, until they are enough; and who has asked."""
    ids: set[str] = set()
    senders: set[str] = set()

    def handle(event: dict[str, Any], via: Delivery) -> None:
        ids.add(event["id"])
        senders.add(via.sender)

    with serving(url, GATE, handle):
        until(lambda: enough(ids), "everything is handled", 240)
    return ids, senders


def test_an_empty_broker_gets_everything_and_then_nothing_differs(url: str) -> None:
    found = migrating.check(url, ("node-a",))
    assert {each.state for each in found} == {"missing"}
    names = {each.name for queue in (GATE, NODE) for each in broker_queues.declared(queue)}
    assert names | {topology.EVENTS, topology.EVENT_LOG} <= {each.name for each in found}
    _migrate(url)
    assert migrating.check(url, ("node-a",)) == []
    assert _migrate(url) == []


def test_what_was_in_a_queue_is_in_its_successor_with_who_asked(url: str, producer_url: str) -> None:
    _older(url, broker_queues.step(GATE), broker_queues.dead_letters(GATE), broker_queues.rung(GATE, RUNG))
    asked = [f"asked-{number}" for number in range(5)]
    _publish(producer_url, asked)
    given_back = broker.Publisher(url, "tests")
    noted = {reading.SENDER: "mira", reading.ATTEMPT: 3, reading.FIRST_SEEN: datetime.now(UTC).isoformat()}
    given_back.publish_to(e.encode(_request("again")), GATE.name, noted)
    given_back.publish_delayed(e.encode(_request("later")), GATE, RUNG, noted)
    given_back.publish_to(b"rubbish", GATE.dead_letters, {reading.SENDER: "eve", reading.REASON: "no JSON"})
    given_back.close()
    assert {each.name for each in _different(url)} == {GATE.name, GATE.dead_letters, GATE.delay(RUNG)}

    assert {(name, moved) for name, _, moved in _migrate(url)} == {
        (GATE.dead_letters, 1),
        (GATE.name, 6),
        (GATE.delay(RUNG), 1),
    }
    assert migrating.check(url, ("node-a",)) == []
    until(lambda: broker.queue_state(url, GATE.delay(RUNG)).messages == 1, "what rests goes on resting")
    [letter] = broker.list_dead_letters(url, GATE.name)
    assert (letter.sender, letter.body) == ("eve", b"rubbish")
    attempts: dict[str, int] = {}

    def handle(event: dict[str, Any], via: Delivery) -> None:
        attempts[event["id"]] = via.attempt

    with serving(url, GATE, handle):
        until(lambda: attempts == {**dict.fromkeys(asked, 1), "again": 3}, "all are handled, as they were before", 240)


def test_what_no_worker_would_have_believed_is_parked_on_the_way(url: str, producer_url: str) -> None:
    """A forged event, and one whose key is not its own, which only the way that it came would have told."""
    _older(url, broker_queues.step(GATE))
    forged = e.encode(e.wrap(e.BackupCompleted(backup="victim"), source="x", time=datetime.now(UTC)))
    restore = e.encode(e.wrap(e.RestoreRequested(backup="b"), source="x", time=datetime.now(UTC)))
    publisher = broker.Publisher(producer_url, "tests")
    for body in (forged, restore):
        publisher.publish_raw(body, "backup.requested.v1")
    publisher.close()
    _migrate(url)
    letters: dict[str, broker.DeadLetter] = {}

    def both_are_parked() -> bool:
        letters.update((each.type, each) for each in broker.list_dead_letters(url, GATE.name))
        return len(letters) == 2

    until(both_are_parked, "they are parked", 120)
    assert {each.sender for each in letters.values()} == {"producer"}
    assert broker.queue_state(url, GATE.name).messages == 0


def test_a_queue_whose_workers_are_at_work_stays_as_it_is(url: str) -> None:
    _older(url, broker_queues.step(GATE))
    with serving(url, GATE, lambda *_: None):
        until(lambda: broker.queue_state(url, GATE.name).consumers == 1, "it is served")
        with pytest.raises(TransientError, match=r"license\.gate") as refused:
            _migrate(url, patience=0)
    assert refused.value.code == Code.QUEUE_IN_USE
    [left] = _different(url)
    assert (left.name, left.state) == (GATE.name, "different")


def test_two_at_once_are_refused(url: str) -> None:
    broker.declare(url)
    with connection.channel(url, "migrate") as channel:
        channel.queue_declare("snapline.migrating", exclusive=True)
        with pytest.raises(TransientError, match="another migration"):
            _migrate(url)


class Asking(threading.Thread):
    """Publishes requests without end; `asked` are those that the broker has confirmed."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.publisher, self.asked, self.stopped = broker.Publisher(url, "tests"), set[str](), threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            with suppress(SnaplineError):  # while there is no queue: who asks tries again
                self.publisher.publish(_request(f"flowing-{number}"))
                self.asked.add(f"flowing-{number}")
            time.sleep(0.02)
        self.publisher.close()


def test_killed_at_any_moment_while_messages_flow_it_loses_none(url: str, producer_url: str) -> None:
    seed = int(os.environ.get("SNAPLINE_SEED", random.randrange(10**9)))
    print(f"SNAPLINE_SEED={seed}")
    chance = random.Random(seed)
    _older(url, broker_queues.step(GATE), broker_queues.dead_letters(GATE))
    waiting = [f"waiting-{number}" for number in range(100)]
    _publish(url, waiting)
    asking = Asking(producer_url)
    asking.start()
    for _ in range(3):
        with _migration(url) as process:
            _kill_after(process, url, chance.randrange(1, 100))
    with _migration(url) as process:
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
    asking.stopped.set()
    asking.join()
    wanted = {*waiting, *asking.asked}
    ids, _ = _handled(url, lambda ids: ids >= wanted)
    assert ids >= wanted
    assert migrating.check(url, ()) == []
    assert [letter.reason for letter in broker.list_dead_letters(url, GATE.name)] == []


def _migration(url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "SNAPLINE_AMQP_URL": url}
    command = [sys.executable, "-m", "producers.cli.main", "broker", "migrate", "-o", "json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _kill_after(process: "subprocess.Popen[str]", url: str, moved: int) -> None:
    """When so many messages have come to the stand-in, or have come back from it; or it has ended before."""
    chosen = STAND_IN + GATE.name
    seen = 0
    deadline = time.monotonic() + 240
    while process.poll() is None and seen < moved and time.monotonic() < deadline:
        there = broker.queue_state(url, chosen).messages
        seen = there if there else seen + 1
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_differences_say_what_waits(url: str) -> None:
    _older(url, broker_queues.step(GATE))
    _publish(url, ["a", "b"])

    def both_wait() -> bool:
        return [each.waiting for each in _different(url)] == [2]

    until(both_wait, "it is seen")
    [said] = _different(url)
    assert said == Difference("queue", GATE.name, "different", said.text, 2)
    assert "inequivalent arg" in said.text
