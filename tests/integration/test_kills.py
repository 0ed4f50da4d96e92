"""Every worker is killed with SIGKILL at every point, and every job ends completed, every effect once."""

from pathlib import Path

import pytest

from deploy.local import looking
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from schemas import events as e
from schemas import keys
from schemas.job import Job
from tests.support.aftermath import check_is_clean, told_once
from tests.support.line import Line, Servers, killing_command, queues, until, whole_line
from tests.support.receiver import Receiver, receiver
from workers.jobs import ledger

pytestmark = pytest.mark.timeout(1200)
SECRET = "a webhook's secret"


@pytest.mark.parametrize("point", ["before-work", "after-publish"])
def test_workers_killed_at_every_place_of_a_kind_lose_and_repeat_nothing(
    tmp_path: Path, broker_server: RabbitMQ, vhost: str, s3_server: SeaweedFS, point: str
) -> None:
    markers = tmp_path / "killed"
    servers = Servers(broker_server, vhost, s3_server)
    with (
        receiver(SECRET) as hook,
        whole_line(
            tmp_path / "line", servers, stall_after_seconds="0.5", webhook_urls=hook.url, webhook_secret=SECRET
        ) as line,
    ):
        before = line.look()
        line.stack.start_workers(killing_command(point, markers))
        line.publish(e.BackupRequested(), "the backup")
        backup = line.job("backup", "instance", "the backup")
        assert line.final("backup", backup, seconds=240)["status"] == "Completed"
        line.destroy()
        line.publish(e.RestoreRequested(backup=backup), "the restore")
        restore = line.job("restore", backup, "the restore")
        assert line.final("restore", restore, seconds=300)["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
        check_is_clean(line)
        _watchdog_finds_unfinished(line, Job("backup", backup))
        line.publish(e.BackupDeleteRequested(backup=backup), "the deletion")
        until(lambda: "backup.deleted.v1" in {event.type for event in line.told()}, "the backup is deleted", 120)
        _everybody_died(markers)
        _everything_was_told_once(line, hook)
        assert line.dead_letters() == []
        check_is_clean(line)


def _watchdog_finds_unfinished(line: Line, job: Job) -> None:
    """A job that has ended long ago, but whose mark stayed as if a worker had died in between."""
    ledger.begin(line.store, job)

    def settled() -> bool:
        line.tick()
        return not ledger.exists(line.store, keys.running(job))

    until(settled, "the watchdog takes the mark away")


def _everybody_died(markers: Path) -> None:
    """At this point, each of the line's workers at least once, for a backup or a restore."""
    died = {file.name.split()[0] for file in markers.iterdir()}
    assert died == set(queues())


def _everything_was_told_once(line: Line, hook: Receiver) -> None:
    """An effect that is told again after a kill has the same id, and says the same."""
    until(lambda: {event["id"] for event in hook.events} == set(told_once(line)), "the webhook has all, and no other")
    finals = told_once(line)
    assert [type(final) for final in finals.values()] == [e.BackupCompleted, e.RestoreCompleted]
