"""A flood of requests is answered without amplification: each once, and nobody nudges what merely waits."""

import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local.stack import running
from schemas import keys
from tests.support.flood import ask, hear, install, look
from tests.support.forks import Forks
from tests.support.line import Servers, until
from workers.adapters import broker
from workers.adapters.stores import open_store

REQUESTS = 100
STALL_AFTER = 2
PATIENCE = 180.0


@pytest.mark.timeout(800)
def test_all_are_answered_none_is_nudged_none_is_lost_and_none_is_done_twice(servers: Servers, tmp_path: Path) -> None:
    url, destination = servers.amqp_url, servers.s3.destination(prefix="flood")
    with (
        running(tmp_path, amqp_url=url, destination=destination, processes=Forks()) as stack,
        closing(broker.Publisher(url, "flood")) as bus,
    ):
        install(stack)
        stack.start_workers(settings={"SNAPLINE_STALL_AFTER_SECONDS": str(STALL_AFTER)})
        until(lambda: broker.queue_state(url, "manifest.capture").consumers > 0, "a consumer", PATIENCE)
        stack.supervisor.kill("manifest.capture", signal.SIGSTOP)  # so that all of them wait behind others
        for number in range(REQUESTS):
            ask(bus, f"flood/{number}")
        waiting = hear(url, lambda answers: len(answers.licensed) == REQUESTS, PATIENCE)
        assert len(waiting.licensed) == REQUESTS
        for _ in range(3 * STALL_AFTER):
            time.sleep(1)
            look(bus)
        until(lambda: broker.queue_state(url, "watchdog").messages == 0, "the watchdog", PATIENCE)
        stack.supervisor.kill("manifest.capture", signal.SIGCONT)
        answers = hear(url, lambda answers: len(answers.ended) == REQUESTS, PATIENCE)
        assert answers.stalled == {}
        for told in (answers.licensed, answers.ended):
            assert {request: times for request, times in told.items() if times > 1} == {}
            assert len(told) == REQUESTS
        store = open_store(destination)
        assert len(list(store.list(keys.finals_of("backup")))) == REQUESTS
        assert list(store.list(keys.RUNNING)) == []
        assert broker.list_dead_letters(url) == []
