"""The object store refuses, at the start of the workers and in the middle of a job; nobody exits, and the job ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import Job
from tests.support.aftermath import brings_back
from tests.support.faults import FaultyProxy
from tests.support.line import Line, Servers, queues, until, whole_line

pytestmark = pytest.mark.timeout(800)


@contextmanager
def _refusing(proxy: FaultyProxy, fault: str) -> Iterator[None]:
    proxy.faults = [fault] * 1_000_000
    try:
        yield
    finally:
        proxy.faults = []


def _retries(line: Line) -> int:
    logs = [log.read_text() for log in (line.stack.root / "log").glob("*.log")]
    return sum(log.count("outcome=retry") + log.count('"outcome": "retry"') for log in logs)


def _copying_has_begun(line: Line, backup: str) -> bool:
    return any(any(line.store.list(f"backups/{backup}/{part}/")) for part in ("slices", "pods"))


def test_workers_wait_for_a_store_that_refuses_at_their_start_and_later(tmp_path: Path, servers: Servers) -> None:
    with FaultyProxy(servers.s3.endpoint).serving() as proxy:
        behind = servers.s3.destination(prefix="refusing").model_copy(update={"endpoint": proxy.endpoint})
        with whole_line(tmp_path, servers, destination=behind, megabytes=20, slice_seconds="0.4") as line:
            before = line.look()
            with _refusing(proxy, "403 RequestTimeTooSkewed"):
                line.stack.start_workers()
                until(lambda: len(line.stack.supervisor.pids()) == len(queues()), "all are started")
                started = line.stack.supervisor.pids()
                line.publish(e.BackupRequested(), "refused")
                until(lambda: _retries(line) >= 3, "the request has been tried several times", 120)
            backup = line.job("backup", "instance", "refused")
            until(lambda: _copying_has_begun(line, backup), "copying has begun", 120)
            told_before = _retries(line)
            with _refusing(proxy, "503 SlowDown"):
                until(lambda: _retries(line) > told_before, "something has been tried again", 120)
            assert line.final("backup", backup, 200)["status"] == "Completed"
            assert line.stack.supervisor.pids() == started
            assert line.dead_letters() == []
            until(lambda: not any(line.store.list(keys.running(Job("backup", backup)))), "nothing is left of it")
            brings_back(line, backup, before)
