"""How it is with queues: a busy broker says of any that it is empty, so those that seem so are looked at again."""

import threading
import time

import pytest

from schemas import topology
from tests.support.line import until
from workers.adapters import broker
from workers.adapters.broker import dead_letters


def test_many_queues_take_no_longer_than_one_to_be_looked_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rests, sleep, ours = list[float](), time.sleep, threading.current_thread()

    def rest(seconds: float) -> None:
        if threading.current_thread() is ours:
            rests.append(seconds)
        else:
            sleep(seconds)  # of another test, whose thread has yet to end

    monkeypatch.setattr("workers.adapters.broker.dead_letters.time.sleep", rest)
    broker.declare(url)
    names = [queue.dead_letters for queue in topology.QUEUES.values()]
    found = broker.sure_states(url, names)
    assert set(found) == set(names)
    assert rests == list(dead_letters.LOOKS_AGAIN)


def test_what_waits_is_found_beside_what_is_empty_and_what_is_not_there(url: str) -> None:
    broker.declare(url)
    gate, notify = topology.queue("license.gate"), topology.queue("notify")
    publisher = broker.Publisher(url, "tests")
    publisher.publish_to(b"{", gate.dead_letters, {})
    publisher.close()
    names = [gate.dead_letters, notify.dead_letters, "volumes.nowhere.XQ"]
    until(lambda: [_waiting(url, names)[name] for name in names] == [1, 0, 0], "one lies there")


def _waiting(url: str, names: list[str]) -> dict[str, int]:
    found = broker.sure_states(url, names)
    return {name: found[name].messages if name in found else 0 for name in names}
