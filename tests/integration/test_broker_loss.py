"""RabbitMQ is killed, and its data wiped, in the middle of a job; the job ends all the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local import looking
from schemas import events as e
from schemas import keys, topology
from schemas.job import Job
from schemas.messages import Message
from tests.support.aftermath import brings_back, check_is_clean
from tests.support.event_log import logged
from tests.support.line import Line, until, whole_line
from tests.support.serving import serving
from workers.adapters import broker
from workers.adapters.broker import connection, declaring
from workers.deliveries import Delivery
from workers.receive import Row, receive

pytestmark = pytest.mark.timeout(1200)


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
        check_is_clean(line)


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
        check_is_clean(line)


def test_a_wiped_broker_that_is_back_before_its_users_fails_no_job(tmp_path: Path) -> None:
    with whole_line(tmp_path, megabytes=100, slice_seconds="0.4", stall_after_seconds="4") as line:
        before = line.look()
        line.stack.start_workers()
        line.publish(e.BackupRequested(), "refused")
        backup = line.job("backup", "instance", "refused")
        until(lambda: _copying_has_begun(line, backup), "copying has begun")
        assert line.stack.broker is not None
        line.stack.broker.wipe(users=False)
        until(lambda: "it refuses user" in _log(line, "volumes.node-a"), "the node's worker is refused")
        assert not any(line.store.list(keys.final(Job("backup", backup))))
        line.stack.broker.bring_back_users()
        assert line.final("backup", backup, meanwhile=line.tick)["status"] == "Completed"
        assert line.dead_letters() == []
        brings_back(line, backup, before)


def _log(line: Line, worker: str) -> str:
    return (line.stack.root / "log" / f"{worker}.log").read_text()


def test_what_a_full_queue_does_not_take_is_told_later_and_is_no_failure(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.receive.UNTOLD", timedelta(seconds=1))
    gate, runs, failed = topology.QUEUES["license.gate"], list[int](), list[Message]()
    publisher = broker.Publisher(url, "tests")
    declaring.declare_for(url, gate)

    def step(_: e.AnyEvent, delivery: Delivery) -> Iterator[e.Event]:
        runs.append(delivery.attempt)
        yield e.VolumesProgressed(job="b", volume="v", bytes_done=len(runs), bytes_total=0, files_done=0)
        yield e.BackupLicensed(backup="b")

    def give_up(_: e.AnyEvent, reason: Message, __: Delivery) -> Iterator[e.Event]:
        failed.append(reason)
        return iter(())

    with serving(url, gate, lambda event, via: receive(event, Row(step, give_up), publisher.publish, via)):
        with connection.channel(url, "fill") as channel:
            full = {"x-max-length": 0, "x-overflow": "reject-publish"}
            channel.queue_declare("full", arguments=full)
            channel.queue_bind("full", topology.EVENTS, "backup.licensed.*")
        publisher.publish(e.wrap(e.BackupRequested(), id="r", source="tests", time=datetime.now(UTC)))
        until(lambda: len(runs) > 7, "it has been tried more often than a failure was once")
        with connection.channel(url, "make room") as channel:
            channel.queue_delete("full")
        until(lambda: "backup.licensed.v1" in _logged(url), "it is told")
    publisher.close()
    assert (set(runs), failed, broker.list_dead_letters(url)) == ({1}, [], [])


def _logged(url: str) -> list[str]:
    return [entry.event.type for entry in logged(url)]
