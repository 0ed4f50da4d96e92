"""RabbitMQ is killed, and its data wiped, in the middle of a job; the job ends all the same."""

from pathlib import Path

import pytest

from deploy.local import looking
from schemas import events as e
from schemas import keys, topology
from schemas.job import Job
from tests.support.line import Line, until, whole_line
from workers.adapters.broker import connection, declaring

pytestmark = pytest.mark.timeout(500)


def _objects_are_created(line: Line, restore: str) -> bool:
    """Whether the first wave of some owner's objects is there."""
    found = line.store.list(keys.owners(Job("restore", restore)))
    return any(entry.key.endswith("/before-volumes/applied.json") for entry in found)


def _copying_has_begun(line: Line, backup: str) -> bool:
    """A slice of some volume is copied, or all of a volume: copying is fast."""
    return any(any(line.store.list(f"backups/{backup}/{part}/")) for part in ("slices", "pods"))


def test_a_worker_finds_no_new_queue_to_declare_when_it_has_to_wait(url: str) -> None:
    """A queue is not safe from a crash in its first seconds, on RabbitMQ 3.10."""
    gate = topology.QUEUES["license.gate"]
    declaring.declare_for(url, gate)
    with connection.channel(url, "look") as channel:
        for rung in topology.DELAYS:
            channel.queue_declare(gate.delay(rung), passive=True)


def test_a_killed_broker_comes_back_and_the_jobs_go_on(tmp_path: Path) -> None:
    with whole_line(tmp_path, megabytes=100, slice_seconds="0.4") as line:
        before = line.look()
        line.stack.start_workers()
        line.publish(e.BackupRequested(), "killed")
        backup = line.job("backup", "instance", "killed")
        until(lambda: _copying_has_begun(line, backup), "copying has begun")
        assert line.stack.broker is not None
        line.stack.broker.kill()
        line.stack.broker.restart()
        assert line.final("backup", backup, 200)["status"] == "Completed"
        line.destroy()
        line.publish(e.RestoreRequested(backup=backup), "killed again")
        restore = line.job("restore", backup, "killed again")
        until(lambda: _objects_are_created(line, restore), "the restore has begun")
        line.stack.broker.kill()
        line.stack.broker.restart()
        assert line.final("restore", restore, 200)["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
        assert line.dead_letters() == []


def test_a_wiped_broker_is_made_up_for_by_the_watchdog(tmp_path: Path) -> None:
    with whole_line(tmp_path, megabytes=100, slice_seconds="0.4", stall_after_seconds="4") as line:
        before = line.look()
        line.stack.start_workers()
        line.publish(e.BackupRequested(), "wiped")
        backup = line.job("backup", "instance", "wiped")
        until(lambda: _copying_has_begun(line, backup), "copying has begun")
        assert line.stack.broker is not None
        line.stack.broker.wipe()
        assert line.final("backup", backup, meanwhile=line.tick)["status"] == "Completed"
        line.destroy()
        line.publish(e.RestoreRequested(backup=backup), "wiped again")
        restore = line.job("restore", backup, "wiped again")
        until(lambda: _objects_are_created(line, restore), "the restore has begun")
        line.stack.broker.wipe()
        assert line.final("restore", restore, meanwhile=line.tick)["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
        assert line.dead_letters() == []
