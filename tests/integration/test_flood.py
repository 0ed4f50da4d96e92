"""A flood of requests is answered without amplification: each once, and nobody nudges what merely waits."""

from pathlib import Path

import pytest

from deploy.local.stack import running
from schemas import keys
from tests.support.flood import flood, install
from tests.support.line import Servers
from workers.adapters import broker
from workers.adapters.stores import open_store

REQUESTS = 100


@pytest.mark.timeout(400)
def test_all_are_answered_none_is_nudged_none_is_lost_and_none_is_done_twice(servers: Servers, tmp_path: Path) -> None:
    destination = servers.s3.destination(prefix="flood")
    with running(tmp_path, amqp_url=servers.amqp_url, destination=destination) as stack:
        install(stack)
        stack.start_workers(settings={"SNAPLINE_STALL_AFTER_SECONDS": "4"})
        answers = flood(servers.amqp_url, REQUESTS, tick=1.0, patience=300)
        asked = {f"flood/{number}": 1 for number in range(REQUESTS)}
        assert (dict(answers.licensed), dict(answers.ended)) == (asked, asked)
        assert answers.stalled == {}
        store = open_store(destination)
        assert len(list(store.list(keys.finals_of("backup")))) == REQUESTS
        assert list(store.list(keys.RUNNING)) == []
        assert broker.list_dead_letters(servers.amqp_url) == []
