"""Clients that share no code with us: one asks for a backup, another sees it completed on the exchange."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import free_ports
from tests.support.line import Line, Servers, until, whole_line
from workers.adapters import broker

pytestmark = pytest.mark.timeout(600)
REQUEST = {"specversion": "1.0", "source": "tests/shell", "type": "backup.requested.v1"}
EVENTS_MD = Path(__file__).parents[2] / "schemas/EVENTS.md"


def _shell(url: str, program: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [program, "--url", url, *arguments]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Line]:
    with whole_line(tmp_path_factory.mktemp("line"), servers, megabytes=1) as made:
        made.stack.start_workers()
        broker.declare(made.url)  # a client that is there first would find no exchange
        yield made


def test_a_foreign_client_requests_a_backup_and_another_sees_it_completed(
    line: Line, tmp_path: Path, servers: Servers
) -> None:
    url = servers.producer_url
    seen = tmp_path / "seen"
    seeing = _shell(
        url,
        "amqp-consume",
        *("--exchange", "snapline.events", "--routing-key", "backup.completed.v1", "--exclusive"),
        *("--", "sh", "-c", f"{{ cat; echo; }} > {seen}.part; cat {seen}.part >> {seen}"),
    )
    with seeing as consumer:
        try:
            assert consumer.stderr is not None
            assert "queue name" in consumer.stderr.readline()  # it has declared its queue, and binds it
            _publish(url, {**REQUEST, "id": "from-a-shell", "data": {"app": "shop-floor"}})
            until(lambda: _completed(seen, "from-a-shell"), "backup.completed is seen", seconds=120)
        finally:
            consumer.kill()
    assert _completed(seen, "from-a-shell")["data"]["app"] == "shop-floor"


def test_a_client_that_speaks_only_http_gets_the_name_of_its_backup(line: Line) -> None:
    token = line.snapline("set", "event-token", "ci")["token"]
    [port] = free_ports(1)
    command = [sys.executable, "-m", "producers.cli.main", "serve-events", "--listen", f"127.0.0.1:{port}"]
    line.stack.supervisor.start("serve-events", command, line.stack.environment)
    until(lambda: _post(port, token, {})[0] == 400, "it listens", seconds=120)
    event = {**REQUEST, "id": "from-http", "data": {"app": "shop-floor"}}
    status, said = _post(port, token, event)
    assert (status, said["kind"]) == (202, "backup")
    assert line.final("backup", said["name"], seconds=170)["status"] == "Completed"
    assert _post(port, token, event) == (202, said)
    assert _post(port, "another", event)[0] == 401
    log = (line.stack.root / "log" / "serve-events.log").read_text()
    assert "asked over HTTP" in log
    assert token not in log


def _completed(seen: Path, correlation: str) -> Any:
    """What was seen for one request; None before that. Others complete beside it, and are told again if asked twice."""
    told = [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []
    return next((event for event in told if event["correlationid"] == correlation), None)


def _post(port: int, token: str, event: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of the answer; 0 if there is none."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/events", json.dumps(event), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError:
        return 0, None
    finally:
        connection.close()


def _publish(url: str, event: dict[str, Any]) -> None:
    """With the sample of EVENTS.md that needs nothing of ours."""
    [sample] = [text for text in EVENTS_MD.read_text().split("```") if text.startswith("python\nimport json")]
    program = sample.removeprefix("python\n")
    subprocess.run(
        [sys.executable, "-c", program, url, json.dumps(event)], check=True, timeout=200, capture_output=True
    )
