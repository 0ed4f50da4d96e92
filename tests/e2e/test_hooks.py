"""Hooks in real containers: frozen, killed, thawed; a dump that is loaded after a restore; a hook that does not end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local import looking, samples
from schemas import events as e
from schemas.kubernetes import NAMESPACES, PODS, Object
from tests.support.line import Line, until
from tests.support.pods import Installation
from tests.support.real_cluster import namespaces, needs_a_cluster, real_line, register
from workers.jobs.hooks import load_output
from workers.repository import open_repository

pytestmark = [pytest.mark.timeout(900, func_only=True), needs_a_cluster]
HOOKED = "hooked"
BACKUP = """
apiVersion: velero.io/v1
kind: Backup
metadata: {name: backup}
spec:
  includedNamespaces: [hooked]
  hooks:
    resources:
    - name: hanging
      labelSelector: {matchLabels: {app: hanging}}
      pre: [{exec: {command: [sh, -c, "trap '' TERM; sleep 1000 & wait; sleep 1000"], timeout: 2s}}]
"""
OBJECTS = samples.yaml_objects((Path(__file__).parent / "hooked.yaml").read_text())


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, installation: Installation | None) -> Iterator[Line]:
    with real_line(tmp_path_factory.mktemp("line"), installation) as line:
        line.namespaces = [HOOKED]
        register(line, HOOKED, BACKUP, HOOKED)
        until(lambda: HOOKED not in namespaces(line.cluster), "an earlier application is gone", seconds=120)
        samples.create(line.cluster, OBJECTS)
        until(lambda: _runs(line), "the database runs", seconds=120)
        line.stack.start_workers()
        yield line
        line.cluster.delete(NAMESPACES, None, HOOKED)


def _pods(line: Line, app: str = "db") -> list[Object]:
    return [pod for pod in looking.pods(line.cluster, HOOKED) if pod["metadata"]["labels"]["app"] == app]


def _runs(line: Line, app: str = "db") -> bool:
    return [(pod.get("status") or {}).get("phase") for pod in _pods(line, app)] == ["Running"]


def _in(line: Line, *command: str, pod: str = "db-0", container: str = "db") -> str:
    """What a command in a container says."""
    done = line.cluster.exec(HOOKED, pod, container, command, deadline=timedelta(seconds=30), limit=4096)
    assert done.exit_code == 0, done
    return done.stdout


def test_frozen_killed_thawed_and_loaded_again(line: Line) -> None:
    _in(line, "sh", "-c", "echo precious > /db/data && rm -f /db/again /db/log")
    samples.fill_volume(_dump(line), 4, seed=1)
    had = samples.tree_digest(_dump(line))
    line.publish(e.BackupRequested(app=HOOKED), "the backup")
    backup = line.job("backup", HOOKED, "the backup")
    until(lambda: "again" in _in(line, "ls", "/db"), "the database is frozen", seconds=120)
    line.stack.supervisor.kill(f"volumes.{_pods(line)[0]['spec']['nodeName']}")
    record = line.final("backup", backup, seconds=240)
    assert record["status"] == "Completed", record
    assert _in(line, "cat", "/db/log").split() == ["freeze", "thaw", "freeze", "thaw"]
    assert "frozen" not in _in(line, "ls", "/db")
    assert "sleep 600" not in _in(line, "ps"), "what the hook had started still runs"
    _destroy_and_restore(line, backup)
    assert samples.tree_digest(_dump(line)) == had


def _dump(line: Line) -> Path:
    """A folder in the volume that is copied."""
    [directory] = [directory for key, directory in line.volume_directories() if key.endswith("/dump")]
    (folder := directory / "rows").mkdir(exist_ok=True)
    return folder


def _destroy_and_restore(line: Line, backup: str) -> None:
    line.cluster.delete(NAMESPACES, None, HOOKED)
    until(lambda: HOOKED not in namespaces(line.cluster), "the application is gone", seconds=180)
    line.publish(e.RestoreRequested(backup=backup, scope="applications", app=HOOKED), "the restore")
    record = line.final("restore", line.job("restore", backup, "the restore"), seconds=300)
    assert record["status"] == "Completed", record
    [loaded] = record["hooks"]
    assert (loaded["phase"], loaded["pod"]) == ("restore", "db-0")
    repository = open_repository(line.store, line.stack.environment["SNAPLINE_PASSPHRASE"])
    assert load_output(line.store, repository, loaded["output"]).stdout == "loaded precious\n"
    assert _in(line, "cat", "/db/data") == "precious\n"
    [pod] = _pods(line)
    inits = pod["status"]["initContainerStatuses"]
    assert [each["name"] for each in inits] == ["snapline-wait", "look-first"]
    assert [each["state"]["terminated"]["exitCode"] for each in inits] == [0, 0]
    assert pod["metadata"]["ownerReferences"][0]["name"] == "db"


def test_a_hook_that_ignores_its_end_is_killed_with_all_that_it_started(line: Line) -> None:
    labels = {"app": "hanging", "kots.io/app-slug": HOOKED}
    container = {"name": "main", "image": "busybox:1.35", "command": ["sleep", "1000000"]}
    hanging: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hanging", "namespace": HOOKED, "labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    samples.create(line.cluster, [hanging])
    until(lambda: _runs(line, "hanging"), "the pod runs", seconds=120)
    _in(line, "touch", "/db/again")
    line.publish(e.BackupRequested(app=HOOKED), "hanging")
    record = line.final("backup", line.job("backup", HOOKED, "hanging"), seconds=240)
    assert record["status"] == "PartiallyFailed", record
    [error] = record["errors"]
    assert error["text"].endswith("it had not ended after 2 s, and was ended")
    assert "sleep 1000\n" not in _in(line, "ps", "-o", "args", pod="hanging", container="main")
    line.cluster.delete(PODS, HOOKED, "hanging")
    until(lambda: not _pods(line, "hanging"), "the pod is gone, so that no other backup hangs on it", seconds=60)
