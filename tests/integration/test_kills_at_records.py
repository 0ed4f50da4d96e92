"""Every worker is killed with SIGKILL just before and just after every record that it writes or deletes, while jobs
wait in line, hooks run, owners are undeployed and put back, and backups are deleted. Every job ends, every effect once.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local import looking, samples
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from schemas import events as e
from schemas import keys
from schemas.job import Job, Kind, backup, restore, safety_snapshot
from schemas.kubernetes import DEPLOYMENTS, PODS, SECRETS, Object, ResourceType
from schemas.records import Began
from tests.support.aftermath import Created, balanced, check_is_clean, left_behind, told_once
from tests.support.kill_places import missing, unknown
from tests.support.line import Line, Servers, killing_command, until, whole_line
from tests.support.receiver import receiver
from tests.support.slow_cluster import slow_down
from workers.jobs import ledger

pytestmark = pytest.mark.timeout(1200)
SHOP, PRINT = "shop-floor", "print-works"
LONG_AGO = timedelta(hours=1)
STUCK = "tests/stuck"
DUMPED = "snapline-console/kotsadm-rqlite-kotsadm-rqlite-0"
"""This one is not copied: a hook dumps it into another."""
SECRET = "a webhook's secret"


@pytest.mark.parametrize("point", ["before-change", "after-change"])
def test_workers_killed_at_every_record_lose_and_repeat_nothing(
    tmp_path: Path,
    broker_server: RabbitMQ,
    vhost: str,
    s3_server: SeaweedFS,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    markers, hooks = tmp_path / "killed", tmp_path / "hooks"
    servers = Servers(broker_server, vhost, s3_server)
    slow_down(monkeypatch)
    with (
        receiver(SECRET) as hook,
        whole_line(
            tmp_path / "line",
            servers,
            megabytes=1,
            stall_after_seconds="0.5",
            webhook_urls=hook.url,
            webhook_secret=SECRET,
        ) as line,
    ):
        _frozen_pod(line, hooks)
        assert line.stack.emulated
        before, created = line.look(), Created(line.stack.emulated.cluster)
        line.stack.start_workers(killing_command(point, markers))
        line.publish(e.BackupRequested(app="nobody"), "of nothing")
        made = _back_up(line, None, "first")
        _in_line(line, made)
        _spoil(line)
        spoilt = line.look()
        everything = _restore(line, made, "everything")
        assert looking.differences(before, line.look()) == []
        _restore(line, safety_snapshot(restore(everything)).name, "back")
        assert looking.differences(spoilt, line.look()) == []
        check_is_clean(line)
        _delete(line, made)
        _watchdog_finds_unfinished(line, Job("backup", made))
        of_nothing = 1
        while missing(markers) and of_nothing <= 3:
            of_nothing += 1
            _once_more(line, f"again {of_nothing}")
        assert missing(markers) == []
        assert unknown(markers) == []
        assert balanced(hooks.read_text().split())
        assert created.twice() == []
        until(lambda: left_behind(line) == [], "all is cleared away, also behind those who were killed", 120)
        check_is_clean(line)
        until(lambda: _rejected(line) == of_nothing, "all that was rejected is told")
        until(
            lambda: {event["id"] for event in hook.events} == set(told_once(line)),
            "the webhook has every end, and no other",
        )


def _rejected(line: Line) -> int:
    return [type(final) for final in told_once(line).values()].count(e.BackupRejected)


def _once_more(line: Line, id_: str) -> None:
    """A message that has cost many lives is spared at what comes after, so all of it happens again: a backup, a restore
    that is put back, one of everything, the deletion, and a request that is rejected."""
    line.publish(e.BackupRequested(app="nobody"), f"{id_}, of nothing")
    for app in samples.applications():
        samples.create(line.cluster, app.objects)  # what is not there
    until(line.all_run, "all pods run")
    made = _back_up(line, None, id_)
    _hold(line, SECRETS, "press", [STUCK])
    line.publish(e.RestoreRequested(backup=made, app=PRINT), f"{id_}, stuck")
    _given_up(line, line.job("restore", made, f"{id_}, stuck"))
    _restore(line, made, f"{id_}, restored")
    line.publish(e.BackupDeleteRequested(backup=made), f"{id_}, deleted")
    deleted = e.BackupDeleted(backup=made, reclaimed_bytes=0).event_id
    until(lambda: any(event.id == deleted for event in line.told()), f"{made} is deleted", 120)


def _frozen_pod(line: Line, log: Path) -> None:
    """A pod of the shop with data of its own, whose hooks note in a file of this machine what they do."""
    mount = {"name": "data", "mountPath": "/data"}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "freezer",
            "namespace": SHOP,
            "labels": {"kots.io/app-slug": SHOP, "kots.io/backup": "velero"},
            "annotations": {
                "backup.velero.io/backup-volumes": "data",
                "pre.hook.backup.velero.io/command": json.dumps(["sh", "-c", f"echo freeze >> {log}"]),
                "post.hook.backup.velero.io/command": json.dumps(["sh", "-c", f"echo thaw >> {log}"]),
            },
        },
        "spec": {
            "containers": [{"name": "main", "image": "busybox:1.35", "volumeMounts": [mount]}],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }
    line.cluster.create(PODS, pod)
    until(line.all_run, "the pod runs")


def _back_up(line: Line, app: str | None, id_: str) -> str:
    line.publish(e.BackupRequested(app=app), id_)
    name = line.job("backup", app or "instance", id_)
    assert _ended(line, "backup", name)["status"] == "Completed"
    return name


def _spoil(line: Line) -> None:
    """Changes all volumes that the backup holds, and takes away what mounts one of them."""
    for volume, directory in line.volume_directories():
        if volume != DUMPED:
            (directory / "later").write_text("not in the backup")
    for name in ("intake", "press"):
        line.cluster.delete(DEPLOYMENTS, PRINT, name)
    until(lambda: looking.pods(line.cluster, PRINT) == [], "nothing mounts the volume")


def _restore(line: Line, made: str, id_: str) -> str:
    line.publish(e.RestoreRequested(backup=made), id_)
    name = line.job("restore", made, id_)
    assert _ended(line, "restore", name)["status"] == "Completed"
    return name


def _ended(line: Line, kind: Kind, name: str) -> Any:
    return line.final(kind, name, seconds=300)


def _in_line(line: Line, made: str) -> None:
    """Two restores of one application at once, and a backup of it that comes last; meanwhile restores of another that
    come to no good end, and a deletion that must wait for another time."""
    _hold(line, SECRETS, "press", [STUCK])
    for id_, app in (("one", SHOP), ("two", SHOP), ("stuck", PRINT)):
        line.publish(e.RestoreRequested(backup=made, app=app), id_)
    _await_in_line(line, *(restore(line.job("restore", made, id_)) for id_ in ("one", "two")))
    line.publish(e.BackupRequested(app=SHOP), "in line")
    line.publish(e.BackupDeleteRequested(backup=made), "too early")
    _await_in_line(line, backup(line.job("backup", SHOP, "in line")))
    _ticks(line)
    _given_up(line, line.job("restore", made, "stuck"))
    _cancelled(line, made)
    first = [_ended(line, "restore", line.job("restore", made, id_)) for id_ in ("one", "two")]
    last = _ended(line, "backup", line.job("backup", SHOP, "in line"))
    assert [record["status"] for record in (*first, last)] == ["Completed"] * 3
    assert last["completed_at"] > max(record["completed_at"] for record in first)
    _told(line, e.BackupDeleteFailed, "the deletion is refused")


def _hold(line: Line, type_: ResourceType, name: str, finalizers: list[str]) -> None:
    """What is deleted of the object stays as long as it has finalizers."""
    line.cluster.patch(type_, PRINT, name, {"metadata": {"finalizers": finalizers or None}})


def _await_in_line(line: Line, *jobs: Job) -> None:
    until(lambda: any(ledger.exists(line.store, keys.queued(job)) for job in jobs), f"one of {jobs} waits in line", 120)


def _ticks(line: Line) -> None:
    """The watchdog tells jobs that wait in line their next steps again, as they show no progress."""
    for _ in range(4):
        line.tick()
        time.sleep(0.7)


def _given_up(line: Line, name: str) -> None:
    """A restore whose patience with an object that does not go comes to its end: what it has deleted is put back."""
    _await_stuck(line, "press", name)
    ledger.put(line.store, keys.stage_began(restore(name), "undeployed", PRINT), Began(at=datetime.now(UTC) - LONG_AGO))
    assert _ended(line, "restore", name)["status"] == "Failed"
    _hold(line, SECRETS, "press", [])


def _cancelled(line: Line, made: str) -> None:
    """A restore that is cancelled when it has deleted a part: that is put back after its end."""
    _hold(line, DEPLOYMENTS, "intake", [STUCK])
    line.publish(e.RestoreRequested(backup=made, app=PRINT), "cancelled")
    name = line.job("restore", made, "cancelled")
    _await_stuck(line, "intake", name)
    assert line.stack.snapline("cancel", name).returncode == 0
    assert _ended(line, "restore", name)["status"] == "Cancelled"
    until(lambda: ledger.exists(line.store, keys.put_back(restore(name), PRINT)), "what was deleted is put back", 300)
    _hold(line, DEPLOYMENTS, "intake", [])


def _await_stuck(line: Line, name: str, waits: str) -> None:
    log = line.stack.root / "log" / "restore.prepare.log"

    def is_told() -> bool:
        return any(
            f"{name} ({STUCK}) to be gone" in said and f'"{waits}"' in said for said in log.read_text().splitlines()
        )

    until(is_told, "the restore waits for what does not go", 300)


def _delete(line: Line, made: str) -> None:
    line.publish(e.BackupDeleteRequested(backup=made), "the deletion")
    _told(line, e.BackupDeleted, "the backup is deleted")


def _told(line: Line, kind: type[e.Event], what: str) -> None:
    until(lambda: any(isinstance(event.data, kind) for event in line.told()), what, 120)


def _watchdog_finds_unfinished(line: Line, job: Job) -> None:
    """A job that has ended long ago, but whose mark stayed as if a worker had died in between."""
    ledger.begin(line.store, job)

    def settled() -> bool:
        line.tick()
        return not ledger.exists(line.store, keys.running(job))

    until(settled, "the watchdog takes the mark away")
