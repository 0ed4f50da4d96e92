"""The whole line: scopes, cancelling, deleting, failing parts, and what it says of itself."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.local import looking
from deploy.local.license_authority import sign_license
from schemas import events as e
from schemas import keys
from schemas import schedule as schedules
from schemas.job import Job
from schemas.kubernetes import CONFIG_MAPS, NAMESPACES, SECRETS, ResourceType
from schemas.schedule import Schedule
from tests.support.line import CONSOLE, Line, Servers, queues, until, whole_line
from tests.support.receiver import Receiver, receiver
from workers.adapters import broker

pytestmark = pytest.mark.timeout(600)
PLANTED = "planted-s3cr3t-value"


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with receiver(PLANTED + "-webhook") as running:
        yield running


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers, hook: Receiver) -> Iterator[Line]:
    with whole_line(
        tmp_path_factory.mktemp("line"),
        servers,
        passphrase=PLANTED + "-passphrase",
        webhook_urls=hook.url,
        webhook_secret=hook.secret,
        slice_seconds="0.5",
    ) as running:
        _put(running, SECRETS, "shop-floor", "planted", {"stringData": {"password": PLANTED}})
        running.stack.start_workers()
        yield running


def _put(line: Line, type_: ResourceType, namespace: str, name: str, content: dict[str, Any]) -> None:
    labels = {"kots.io/app-slug": namespace, "kots.io/backup": "velero"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    line.cluster.create(type_, {"apiVersion": "v1", "kind": type_.kind, "metadata": metadata, **content})


def _uids(line: Line, namespace: str) -> dict[looking.Key, str]:
    return dict(looking.look(line.cluster, [namespace], line.stack.kubelet_pods).uids)


@pytest.fixture(scope="module")
def full(line: Line) -> str:
    """A full backup."""
    return str(line.snapline("backup", "--wait", "--timeout", "400")["name"])


@pytest.fixture(scope="module")
def worked(line: Line, full: str) -> None:
    """Every worker has had something to do: a backup, a restore, a prune, and a minute of the clock."""
    line.snapline("restore", "--from-backup", full, "--app", "shop-floor", "--wait", "--timeout", "400")
    line.tick()
    line.publish(e.RepositoryPruneRequested(), "everybody works")
    logs = [line.stack.root / "log" / f"{queue}.log" for queue in ("watchdog", "repository.maintain")]
    until(lambda: all("message handled" in log.read_text() for log in logs), "upkeep has had something to do")


def test_a_full_backup_holds_the_console_and_every_application(line: Line, full: str) -> None:
    described = line.snapline("describe", "backup", full)
    assert described["status"] == "Completed"
    assert described["apps"] == ["print-works", "shop-floor"]
    assert {volume["namespace"] for volume in described["volumes"]} == {CONSOLE, "print-works", "shop-floor"}
    assert described["warnings"] == []
    [listed] = [row for row in line.snapline("get", "backups") if row["name"] == full]
    assert listed["objects"] == described["objects"] > 20


def test_restoring_the_console_alone_leaves_the_applications_alone(line: Line, full: str) -> None:
    before, others = line.look(), {**_uids(line, "shop-floor"), **_uids(line, "print-works")}
    restored = line.snapline("restore", "--from-backup", full, "--exclude-apps", "--wait", "--timeout", "400")
    assert (restored["status"], restored["scope"]) == ("Completed", "console")
    assert {**_uids(line, "shop-floor"), **_uids(line, "print-works")} == others
    assert looking.differences(before, line.look()) == []


def test_restoring_the_applications_leaves_the_console_alone(line: Line, full: str) -> None:
    console, before = _uids(line, CONSOLE), line.look()
    line.cluster.delete(CONFIG_MAPS, "shop-floor", "db")
    restored = line.snapline("restore", "--from-backup", full, "--exclude-admin-console", "--wait", "--timeout", "400")
    assert (restored["status"], restored["scope"]) == ("Completed", "applications")
    assert _uids(line, CONSOLE) == console
    assert looking.differences(before, line.look()) == []


def test_restoring_one_application_over_itself_undoes_what_changed(line: Line, full: str) -> None:
    before, others = line.look(), _uids(line, "print-works")
    line.cluster.patch(CONFIG_MAPS, "shop-floor", "db", {"data": {"max_connections": "1"}})
    volume = dict(line.volume_directories())["shop-floor/data-db-0"]
    (volume / "large-0.img").write_bytes(b"overwritten")
    (volume / "not-in-the-backup").touch()
    restored = line.snapline("restore", "--from-backup", full, "--app", "shop-floor", "--wait", "--timeout", "400")
    assert (restored["status"], restored["app"]) == ("Completed", "shop-floor")
    assert _uids(line, "print-works") == others
    assert looking.differences(before, line.look()) == []


@pytest.mark.timeout(1200)
def test_a_rollback_brings_back_what_a_restore_has_replaced_and_deleted(line: Line, full: str) -> None:
    _put(line, CONFIG_MAPS, "shop-floor", "came-later", {"data": {"key": "value"}})
    line.cluster.patch(CONFIG_MAPS, "shop-floor", "db", {"data": {"max_connections": "7"}})
    volume = dict(line.volume_directories())["shop-floor/data-db-0"]
    (volume / "came-later").write_text("after the backup")
    changed = line.look()
    asked = ("restore", "--from-backup", full, "--app", "shop-floor", "--wait", "--timeout", "400", "-o", "json")
    done = line.stack.snapline(*asked)
    restored = json.loads(done.stdout)
    name, snapshot = restored["name"], restored["snapshot"]
    assert (done.returncode, restored["status"], snapshot) == (0, "Completed", f"{name}-before"), done.stderr
    told, _, afterwards = done.stderr.partition(f"{name}: removing what is replaced")
    assert "configmaps shop-floor/came-later" in told
    assert f"what is deleted is backed up first, as {snapshot}" in told
    assert afterwards
    assert not _has(line, "came-later")
    assert not (dict(line.volume_directories())["shop-floor/data-db-0"] / "came-later").exists()

    marked = {row["name"]: row["snapshot_of"] for row in line.snapline("get", "backups") if row.get("snapshot_of")}
    assert marked[snapshot] == name
    described = line.snapline("describe", "restore", name)
    assert (described["snapshot"], described["newer"]) == (snapshot, ["configmaps shop-floor/came-later"])
    try:
        back = line.snapline("restore", "--rollback", name, "--wait", "--timeout", "400")
        assert (back["status"], back["backup"], back["app"]) == ("Completed", snapshot, "shop-floor")
        assert looking.differences(changed, line.look()) == []
        assert line.snapline("delete", "backup", snapshot, "--yes", "--wait")["status"] == "Deleted"
        gone = line.stack.snapline("restore", "--rollback", name)
        assert (gone.returncode, "no longer there" in gone.stderr) == (6, True)
    finally:
        line.cluster.delete(CONFIG_MAPS, "shop-floor", "came-later")
        again = line.snapline("restore", "--from-backup", full, "--app", "shop-floor", "--wait", "--timeout", "400")
        assert again["status"] == "Completed"


def _has(line: Line, name: str) -> bool:
    return name in {found["metadata"]["name"] for found in line.cluster.list(CONFIG_MAPS, "shop-floor")}


def test_a_license_that_does_not_allow_it_rejects_its_own_and_holds_up_nobody_else(line: Line, tmp_path: Path) -> None:
    (tmp_path / "license.yaml").write_text(
        sign_license(line.stack.authority, app_slug="print-works", allow_snapshots=False)
    )
    backup_file = line.stack.root / "packages" / "print-works" / "backup.yaml"
    add = ("app", "add", "print-works", "--backup", str(backup_file), "--namespace", "print-works", "--license")
    line.snapline(*add, str(tmp_path / "license.yaml"), "--force")
    try:
        done = line.stack.snapline("backup", "--wait", "--timeout", "400", "-o", "json")
        without = json.loads(done.stdout)
        assert (done.returncode, without["status"], without["apps"]) == (4, "PartiallyFailed", ["shop-floor"])
        assert "snapshots_not_licensed" in without["reason"]
        done = line.stack.snapline("backup", "--app", "print-works", "--wait", "--timeout", "400", "-o", "json")
        assert done.returncode == 3
        assert "snapshots_not_licensed" in json.loads(done.stdout)["reasons"][0]
        assert line.snapline("backup", "--app", "shop-floor", "--wait", "--timeout", "400")["status"] == "Completed"
    finally:
        line.snapline(*add, str(line.stack.root / "packages" / "print-works" / "license.yaml"))


def test_a_cancelled_backup_ends_soon_and_is_no_backup(line: Line) -> None:
    until(line.all_run, "what other tests have restored runs")
    with line.held("volumes.node-a"):  # it would be done before we could say so
        line.publish(e.BackupRequested(app="shop-floor"), "to be cancelled")
        name = line.job("backup", "shop-floor", "to be cancelled")
        until(lambda: any(line.store.list(keys.plan(Job("backup", name)))), "it is to be copied")
        done = line.stack.snapline("cancel", name)
    assert done.returncode == 0, (done.stderr, line.final("backup", name))
    assert line.final("backup", name)["status"] == "Cancelled"
    assert line.stack.snapline("cancel", name).returncode == 2
    assert line.stack.snapline("restore", "--from-backup", name, "--wait", "--timeout", "400").returncode == 3


def test_a_copy_that_is_cancelled_in_its_midst_stops_there(line: Line) -> None:
    volume = dict(line.volume_directories())["shop-floor/data-db-0"]
    big = volume / "big"
    big.write_bytes(os.urandom(300_000_000))
    try:
        line.publish(e.BackupRequested(app="shop-floor"), "cancelled in its midst")
        name = line.job("backup", "shop-floor", "cancelled in its midst")
        until(lambda: any(line.store.list(f"backups/{name}/slices/")), "a slice is done")
        line.stack.supervisor.kill("volumes.node-a", signal.SIGSTOP)  # it would go on while we say so
        line.store.create(keys.cancel(Job("backup", name)), b"{}")
        broker.broadcast_cancel(line.url, Job("backup", name))
        line.stack.supervisor.kill("volumes.node-a", signal.SIGCONT)
        assert line.final("backup", name)["status"] == "Cancelled"
    finally:
        line.stack.supervisor.kill("volumes.node-a", signal.SIGCONT)
        big.unlink()


def test_a_volume_that_cannot_be_copied_never_reads_as_completed(line: Line) -> None:
    volume = dict(line.volume_directories())["shop-floor/data-db-0"]
    link = next(path for path in line.stack.kubelet_pods["node-a"].glob("*/volumes/*/*") if path.resolve() == volume)
    hidden = link.rename(link.with_name("hidden"))
    try:
        done = line.stack.snapline("backup", "--app", "shop-floor", "--wait", "--timeout", "400", "-o", "json")
        row = json.loads(done.stdout)
        assert (done.returncode, row["status"]) == (4, "PartiallyFailed")
        assert "db-0" in row["reason"]
    finally:
        hidden.rename(link)


def test_a_deleted_backup_is_gone_and_its_request_does_not_bring_it_back(line: Line) -> None:
    line.publish(e.BackupRequested(app="print-works"), "to be deleted")
    name = line.job("backup", "print-works", "to be deleted")
    line.final("backup", name)
    assert line.snapline("delete", "backup", name, "--yes", "--wait")["status"] == "Deleted"
    assert name not in {row["name"] for row in line.snapline("get", "backups")}
    assert line.stack.snapline("describe", "backup", name).returncode == 6
    assert line.stack.snapline("delete", "backup", name).returncode == 6
    line.publish(e.BackupRequested(app="print-works"), "to be deleted")
    until(lambda: any("was deleted" in str(told.data) for told in line.told()), "the repeated request is rejected")


def test_the_webhook_is_told_every_end_once_and_signed(line: Line, full: str, hook: Receiver) -> None:
    until(lambda: any(full in str(told["subject"]) for told in hook.events), "the webhook has heard of it")
    ids = [str(told["id"]) for told in hook.events]
    assert len(ids) == len(set(ids))
    assert hook.forged == 0


def test_the_scheduler_and_another_one_take_one_snapshot(line: Line) -> None:
    earlier = {row["name"] for row in line.snapline("get", "backups")}
    often = Schedule(name="often", expression="@every 1m", app="print-works")  # as if it had been set long ago
    line.cluster.create(CONFIG_MAPS, schedules.to_config_map(often, CONSOLE))
    command = [sys.executable, "-m", "producers.cli.main", "scheduler"]
    both = [subprocess.Popen(command, env=line.stack.environment, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        until(lambda: len(_scheduled(line) - earlier) >= 1, "a scheduled backup is there")
        line.stack.snapline("schedule", "remove", "often")
    finally:
        for scheduler in both:
            scheduler.terminate()
        assert [scheduler.wait(100) for scheduler in both] == [0, 0]
    line.publish(e.BackupRequested(app="nobody"), "behind them")
    until(lambda: "behind them" in {told.id for told in line.told()}, "all that they have asked for is taken up")
    asked = {told.id for told in line.told() if told.id.startswith("schedule/often/")}
    until(lambda: len(_scheduled(line) - earlier) == len(asked), "one snapshot for each due time")
    assert line.snapline("schedule", "show") == []


def _scheduled(line: Line) -> set[str]:
    return {row["name"] for row in line.snapline("get", "backups") if row.get("schedule") == "often"}


def test_the_cli_speaks_of_the_bus(line: Line, full: str) -> None:
    tail = line.stack.snapline(
        "events", "tail", "--from", "first", "--no-follow", "--type", "backup.completed", "-o", "json"
    )
    assert full in {json.loads(row)["subject"] for row in tail.stdout.splitlines()}
    done = line.stack.snapline("publish", "backup.requested.v1", "-f", "/nonexistent")
    assert (done.returncode, "Traceback" in done.stderr) == (6, False)
    assert line.snapline("dead-letters", "list") == []
    with closing(broker.Publisher(line.url, "tests")) as publisher:
        publisher.publish_raw(b"rubbish", "backup.requested.v1")
    until(lambda: len(line.snapline("dead-letters", "list")) == 1, "it is listed")
    [letter] = line.snapline("dead-letters", "list", "--queue", "license.gate")
    assert "rubbish" in line.snapline("dead-letters", "show", "license.gate", letter["id"])["body"]
    # The broker takes a moment to put back what was looked at.
    dropping = ("dead-letters", "drop", "license.gate", "--id", letter["id"])
    until(lambda: line.snapline(*dropping)["dropped"] == 1, "it is dropped")


def test_every_worker_says_one_canonical_line_per_message(line: Line, worked: None) -> None:
    fields = {"event_id", "type", "subject", "attempt", "outcome", "seconds", "queue", "timestamp"}
    for queue in queues():
        log = (line.stack.root / "log" / f"{queue}.log").read_text().splitlines()
        handled = [said for said in map(json.loads, log) if said["event"] == "message handled"]
        assert handled, queue
        assert all(fields <= said.keys() for said in handled if said["outcome"] != "parked"), queue


def test_no_secret_is_in_any_log_event_or_error(line: Line, worked: None) -> None:
    """The application's, the passphrase, the webhook's, the store's key and the broker's password."""
    environment = line.stack.environment
    password = environment["SNAPLINE_AMQP_URL"].split(":")[2].split("@")[0]
    secrets = [PLANTED, environment["SNAPLINE_S3_SECRET_ACCESS_KEY"], password]
    said = {log.name: log.read_text() for log in (line.stack.root / "log").glob("*.log")}
    said["events"] = "".join(e.encode(told).decode() for told in line.told())
    said["records"] = "".join(
        line.store.get(found.key).decode(errors="replace") for found in line.store.list("") if ".json" in found.key
    )
    wrong = {**environment, "SNAPLINE_AMQP_URL": f"amqp://snapline:{PLANTED}@127.0.0.1:1/"}
    command = [sys.executable, "-m", "producers.cli.main", "backup"]
    failed = subprocess.run(command, env=wrong, capture_output=True, text=True, check=False)
    assert failed.returncode == 8
    said["an error"] = failed.stderr
    for where, text in said.items():
        assert text, where
        for secret in secrets:
            assert secret not in text, where


def test_a_test_restore_brings_an_application_back_beside_itself_and_leaves_nothing(line: Line, full: str) -> None:
    before = _uids(line, "shop-floor")
    asked = ("test-restore", full, "--app", "shop-floor", "--check-command", "true")
    tried = line.snapline(*asked, "--wait", "--timeout", "400")
    assert (tried["status"], tried["test"]) == ("Completed", True), line.snapline("describe", "restore", tried["name"])
    assert tried["files"] > 0
    until(lambda: line.snapline("describe", "backup", full)["test_restore"] is not None, "its result", seconds=120)
    described = line.snapline("describe", "backup", full)
    assert (described["test_restore"], described["restore_seconds"]) == ("passed", tried["restore_seconds"])
    scratch = [name for each in line.cluster.list(NAMESPACES) if "test" in (name := each["metadata"]["name"])]
    assert (scratch, _uids(line, "shop-floor")) == ([], before)


def test_a_verification_is_kept_with_its_backup(line: Line, full: str) -> None:
    for depth in ("structure", "sample"):
        found = line.snapline("verify", full, "--depth", depth, "--wait", "--timeout", "400")
        assert (found["status"], found["problems"]) == ("Verified", [])
    assert line.snapline("describe", "backup", full)["verification"] == "passed"
