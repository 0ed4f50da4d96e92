"""A worker is a process: started by our command or by Dramatiq's, it serves, answers probes, and ends with a code."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.ports import free_ports
from deploy.local.rabbitmq import RabbitMQ
from schemas import events as e
from tests.support.line import until
from workers.adapters import broker

OURS = (sys.executable, "-m", "producers.cli.main", "worker")
DRAMATIQS = (sys.executable, "-m", "dramatiq", "workers.app:setup", "--processes", "1", "--threads", "2", "--queues")
COMMANDS = pytest.mark.parametrize("command", [OURS, DRAMATIQS], ids=["snapline", "dramatiq"])


@pytest.fixture(scope="module")
def url(broker_server: RabbitMQ, spare_vhosts: Iterator[str]) -> str:
    """One virtual host for all these: most of the processes never come to use it."""
    return broker_server.url_of("snapline", next(spare_vhosts))


class _Worker:
    """A running worker of the queue notify, which needs nothing but the broker and a store that it never asks."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self._port = process, port

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except (OSError, http.client.HTTPException):
            return 0, ""


def _environment(url: str, **settings: str) -> dict[str, str]:
    ours = {
        "SNAPLINE_AMQP_URL": url,
        "SNAPLINE_S3_BUCKET": "none",
        "SNAPLINE_S3_ENDPOINT": "http://127.0.0.1:1",
        "SNAPLINE_PASSPHRASE": "a passphrase",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("SNAPLINE_")} | ours | settings


@contextmanager
def _working(command: tuple[str, ...], url: str, log: Path) -> Iterator[_Worker]:
    [port] = free_ports(1)
    environment = _environment(url, SNAPLINE_PROBE_ADDRESS=f"127.0.0.1:{port}")
    with log.open("w") as output:
        process = subprocess.Popen([*command, "notify"], env=environment, stderr=output, text=True)
    worker = _Worker(process, port)
    try:
        until(lambda: worker.get("/ready")[0] == 200 or process.poll() is not None, "it is ready")
        yield worker
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(200)


def _news(url: str, id_: str) -> None:
    publisher = broker.Publisher(url, "tests")
    publisher.publish(e.wrap(e.BackupCancelled(backup=id_), id=id_, source="tests", time=datetime.now(UTC)))
    publisher.close()


@COMMANDS
def test_it_works_answers_and_ends_when_it_is_asked_to(command: tuple[str, ...], url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _working(command, url, log) as worker:
        assert worker.get("/live")[0] == 200
        _news(url, "b")
        counted = 'snapline_messages_total{event="backup.cancelled.v1",outcome="done",queue="notify"} 1.0'
        until(lambda: counted in worker.get("/metrics")[1], "the message is counted")
        assert "process_resident_memory_bytes" in worker.get("/metrics")[1]
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(200) == 0
    assert '"message handled"' in log.read_text()


@COMMANDS
@pytest.mark.parametrize(
    ("queue", "settings", "problem"),
    [
        ("nope", {}, "there is no queue 'nope'"),
        ("notify", {"SNAPLINE_AMQP_ULR": "x"}, "unknown setting SNAPLINE_AMQP_ULR"),
        ("notify", {"SNAPLINE_PROBE_ADDRESS": "192.0.2.1:80"}, "cannot listen on 192.0.2.1 port 80"),
        ("license.gate", {"SNAPLINE_KUBECONFIG": "/dev/null"}, "no way into a cluster"),
    ],
)
def test_what_cannot_be_served_ends_it_at_once_with_code_2(
    command: tuple[str, ...], url: str, queue: str, settings: dict[str, str], problem: str
) -> None:
    environment = _environment(url, **settings)
    done = subprocess.run([*command, queue], env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_dramatiqs_command_must_choose_one_queue(url: str) -> None:
    for command in (DRAMATIQS[:-1], (*DRAMATIQS, "notify", "watchdog")):
        done = subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 2
        assert "a worker serves one queue" in done.stderr


def test_a_worker_that_starts_before_its_user_is_there_waits_for_it(
    url: str, broker_server: RabbitMQ, tmp_path: Path
) -> None:
    """As after a broker that was wiped."""
    vhost = url.rpartition("/")[2]
    late = f"amqp://late:no-secret@127.0.0.1:{broker_server.port}/{vhost}"
    log = tmp_path / "log"

    def let_it_in() -> None:
        until(lambda: log.exists() and "it refuses user 'late'" in log.read_text(), "it is refused")
        broker_server.control("add_user", "late", "no-secret")
        broker_server.control("set_permissions", "-p", vhost, "late", ".*", ".*", ".*")

    letting = threading.Thread(target=let_it_in)
    letting.start()
    try:
        with _working(OURS, late, log) as worker:
            assert worker.get("/ready")[0] == 200
    finally:
        letting.join()
        broker_server.control("delete_user", "late")
    assert log.read_text().count("waiting for RabbitMQ") == 1


DYING = """
import sys, threading, time
import dramatiq
from schemas import topology
from workers import app

class Dying(dramatiq.Middleware):
    def after_worker_boot(self, broker, worker):
        threading.Timer(1, worker.workers[0].stop).start()

app.serve(topology.queue("notify"), app.make_broker(app.load(), Dying()), app.stop_on_signals())
"""


def test_a_dead_thread_ends_it_with_code_1(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING], env=_environment(url), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "threads have died" in done.stderr
