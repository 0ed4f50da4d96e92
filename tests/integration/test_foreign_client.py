"""A shell client that shares no code with us asks for a backup and sees it completed on the exchange."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.line import Servers, until, whole_line
from workers.adapters import broker

pytestmark = pytest.mark.timeout(240)
REQUEST = {"specversion": "1.0", "source": "tests/shell", "type": "backup.requested.v1"}


def _shell(url: str, program: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [program, "--url", url, *arguments]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_shell_client_requests_a_backup_and_sees_it_completed(tmp_path: Path, servers: Servers) -> None:
    with whole_line(tmp_path / "line", servers, megabytes=1) as line:
        line.stack.start_workers()
        broker.declare(line.url)  # a client that is there first would find no exchange
        url = servers.producer_url
        seen = tmp_path / "seen"
        seeing = _shell(
            url,
            "amqp-consume",
            *("--exchange", "snapline.events", "--routing-key", "backup.completed.v1", "--exclusive", "--count", "1"),
            *("tee", str(seen)),
        )
        with seeing as consumer:
            try:
                assert consumer.stderr is not None
                assert "queue name" in consumer.stderr.readline()  # it has declared its queue, and binds it
                _publish(url, {**REQUEST, "id": "from-a-shell", "data": {"app": "shop-floor"}})
                until(lambda: consumer.poll() is not None, "backup.completed is seen", seconds=120)
            finally:
                consumer.kill()
        completed = json.loads(seen.read_text())
        assert completed["correlationid"] == "from-a-shell"
        assert completed["data"]["app"] == "shop-floor"


def _publish(url: str, event: dict[str, Any]) -> None:
    publisher = _shell(
        url,
        "amqp-publish",
        *("--exchange", "snapline.events", "--routing-key", "backup.requested.v1", "--persistent"),
    )
    _, trouble = publisher.communicate(json.dumps(event), timeout=20)
    assert publisher.returncode == 0, trouble
