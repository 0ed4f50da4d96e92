"""Clients that share no code with us: one asks for a backup, another sees it completed on the exchange."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.line import Servers, until, whole_line
from workers.adapters import broker

pytestmark = pytest.mark.timeout(240)
REQUEST = {"specversion": "1.0", "source": "tests/shell", "type": "backup.requested.v1"}
EVENTS_MD = Path(__file__).parents[2] / "schemas/EVENTS.md"


def _shell(url: str, program: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [program, "--url", url, *arguments]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_foreign_client_requests_a_backup_and_another_sees_it_completed(tmp_path: Path, servers: Servers) -> None:
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
    """With the sample of EVENTS.md that needs nothing of ours."""
    [sample] = [text for text in EVENTS_MD.read_text().split("```") if text.startswith("python\nimport json")]
    program = sample.removeprefix("python\n")
    subprocess.run([sys.executable, "-c", program, url, json.dumps(event)], check=True, timeout=20, capture_output=True)
