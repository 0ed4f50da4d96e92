"""The API server is away in the middle of a restore, for longer than the restore would wait for anything."""

import time
from pathlib import Path

import pytest

from schemas import events as e
from schemas.kubernetes import SECRETS
from tests.support import hurried
from tests.support.aftermath import check_is_clean
from tests.support.away import way_to
from tests.support.line import Line, Servers, until, whole_line

pytestmark = pytest.mark.timeout(600)
STUCK = "tests/stuck"
DEADLINE = 20
"""Seconds that a restore waits for what it deletes to be gone."""


def _log(line: Line) -> str:
    return (line.stack.root / "log" / "restore.prepare.log").read_text()


def _waits(line: Line) -> int:
    """How often the restore has found that the object is still there."""
    return _log(line).count(f"({STUCK}) to be gone")


def _hold(line: Line, finalizers: list[str]) -> None:
    line.cluster.patch(SECRETS, "print-works", "press", {"metadata": {"finalizers": finalizers or None}})


def test_a_deadline_begins_anew_after_the_api_server_was_away(tmp_path: Path, servers: Servers) -> None:
    by = tmp_path / "kubeconfig"
    with whole_line(
        tmp_path / "line", servers, undeploy_timeout_seconds=str(DEADLINE), ready_timeout_seconds=str(DEADLINE)
    ) as line:
        before = line.look()
        with way_to(Path(line.stack.environment["SNAPLINE_KUBECONFIG"]), by) as way:
            line.stack.start_workers(hurried.command, {"SNAPLINE_KUBECONFIG": str(by)})
            line.publish(e.BackupRequested(app="print-works"), "the backup")
            backup = line.job("backup", "print-works", "the backup")
            assert line.final("backup", backup)["status"] == "Completed"
            _hold(line, [STUCK])
            line.publish(e.RestoreRequested(backup=backup, app="print-works"), "the restore")
            until(lambda: _waits(line) > 0, "it waits for what does not go")
            with way.closed():
                time.sleep(DEADLINE + 4)
                waited = _waits(line)
            until(lambda: _waits(line) > waited, "it waits on")
            _hold(line, [])
            record = line.final("restore", line.job("restore", backup, "the restore"))
            assert record["status"] == "Completed", record
        after = line.look()
        assert after.volumes == before.volumes
        assert {key for key in before.objects if key[1] == "print-works"} <= set(after.objects)
        check_is_clean(line)
        assert line.dead_letters() == []
