"""Each worker with the token of its own ServiceAccount, and the rights of deploy/kubernetes/accounts.yaml alone."""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import kubeconfigs
from deploy.local import looking, samples
from schemas.errors import Denied
from schemas.kubernetes import NAMESPACES, PODS, SECRETS, Object
from schemas.services import SCHEDULER
from tests.support.aftermath import check_is_clean
from tests.support.line import CONSOLE, Line, until
from tests.support.real_cluster import namespaces, needs_a_cluster, real_line, register
from workers.adapters.cluster import connect
from workers.ports import Cluster

pytestmark = [pytest.mark.timeout(900), needs_a_cluster]
APP = "accounts"
BACKUP = "{apiVersion: velero.io/v1, kind: Backup, metadata: {name: b}, spec: {includedNamespaces: [accounts]}}"
APPLICATION = samples.yaml_objects((Path(__file__).parent / "accounts.yaml").read_text())
ACCOUNTS = samples.yaml_objects(kubeconfigs.MANIFEST.read_text())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Filled with each service's kubeconfig when the line is there."""
    return {}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, own: dict[str, Path]) -> Iterator[Line]:
    with real_line(tmp_path_factory.mktemp("line")) as line:
        line.namespaces = [APP]
        register(line, APP, BACKUP, APP)
        _delete(line.cluster, ACCOUNTS)
        for name in (APP, kubeconfigs.NAMESPACE):
            line.cluster.delete(NAMESPACES, None, name)
        until(lambda: not {APP, kubeconfigs.NAMESPACE} & namespaces(line.cluster), "what was there is gone", 180)
        samples.create(line.cluster, [*APPLICATION, *ACCOUNTS])
        until(lambda: _runs(line), "the application runs", 120)
        admin = Path(os.environ["SNAPLINE_E2E_KUBECONFIG"])
        nodes = tuple(line.stack.kubelet_pods)
        own |= kubeconfigs.write(tmp_path_factory.mktemp("own"), admin, line.cluster, nodes)
        line.stack.start_workers(own={name: {"SNAPLINE_KUBECONFIG": str(file)} for name, file in own.items()})
        yield line
        _delete(line.cluster, ACCOUNTS)
        line.cluster.delete(NAMESPACES, None, APP)


def _delete(cluster: Cluster, objects: list[Object]) -> None:
    """All that is not in a namespace, and that in the console's."""
    types = {(each.group, each.kind): each for each in cluster.discover().types}
    for obj in objects:
        group = obj["apiVersion"].rpartition("/")[0]
        cluster.delete(types[group, obj["kind"]], obj["metadata"].get("namespace"), obj["metadata"]["name"])


def _runs(line: Line) -> bool:
    return [(pod.get("status") or {}).get("phase") for pod in looking.pods(line.cluster, APP)] == ["Running"]


def _in(line: Line, *command: str) -> str:
    done = line.cluster.exec(APP, "db-0", "db", command, deadline=timedelta(seconds=30), limit=4096)
    assert done.exit_code == 0, done
    return done.stdout


def _restored(line: Line, backup: str) -> None:
    restore = line.snapline("restore", "--from-backup", backup, "--app", APP, "--wait", "--timeout", "300")
    assert restore["status"] == "Completed", restore
    until(lambda: _runs(line), "the application runs", 120)
    assert _in(line, "cat", "/data/precious").split() == ["precious"]
    assert set(_in(line, "ls", "/cache").split()) == {"state", "loaded"}
    kept = {(obj["kind"], obj["metadata"]["name"]) for obj in APPLICATION}
    assert kept - {("Namespace", APP)} <= {key[::2] for key in line.look().objects}, line.look().objects.keys()


def test_a_backup_and_restores_complete_with_the_least_rights(line: Line) -> None:
    _in(line, "sh", "-c", "echo precious > /data/precious")
    backup = line.snapline("backup", "--app", APP, "--wait", "--timeout", "300")
    assert backup["status"] == "Completed", backup
    assert _in(line, "cat", "/cache/state").split() == ["thawed"]
    _in(line, "sh", "-c", "echo spoilt > /data/precious")
    _restored(line, backup["name"])  # over what runs, which a safety snapshot is taken of
    line.cluster.delete(NAMESPACES, None, APP)
    until(lambda: APP not in namespaces(line.cluster), "the application is gone", 180)
    _restored(line, backup["name"])
    asked = ("test-restore", backup["name"], "--check-command", "grep precious /data/precious")
    tried = line.snapline(*asked, "--wait", "--timeout", "300")
    assert tried["status"] == "Completed", tried
    tested = "test_restore"  # when what it has made is gone
    until(lambda: line.snapline("describe", "backup", backup["name"])[tested] is not None, "its result", 180)
    assert line.snapline("describe", "backup", backup["name"])[tested] == "passed"
    check_is_clean(line)
    assert line.dead_letters() == []


def test_the_scheduler_reads_its_schedules(line: Line, own: dict[str, Path]) -> None:
    line.snapline("set", "schedule", "yearly", "--cron", "@yearly")
    environment = line.stack.environment | {"SNAPLINE_KUBECONFIG": str(own[SCHEDULER])}
    line.stack.supervisor.start("scheduler", [sys.executable, "-m", "producers.cli.main", "scheduler"], environment)
    log = line.stack.root / "log" / "watchdog.log"
    until(lambda: "tick.minute.v1" in log.read_text(), "a tick is heard", 90)
    assert "trying again" not in (line.stack.root / "log" / "scheduler.log").read_text()


def test_nobody_may_do_what_is_anothers(line: Line, own: dict[str, Path]) -> None:
    other = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x", "namespace": APP}, "spec": {"containers": []}}
    with pytest.raises(Denied):
        list(connect(own["notify"]).list(PODS, APP))
    with pytest.raises(Denied):
        list(connect(own["license.gate"]).list(SECRETS, APP))
    assert list(connect(own["license.gate"]).list(SECRETS, CONSOLE))
    with pytest.raises(Denied):
        connect(own["volumes.node-a"]).delete(PODS, APP, "db-0")
    with pytest.raises(Denied):
        connect(own["backup.finalize"]).create(PODS, other)
    with pytest.raises(Denied):
        connect(own["manifest.capture"]).patch(SECRETS, APP, "db", {"data": {}})
    with pytest.raises(Denied):
        connect(own["restore.apply"]).delete(SECRETS, APP, "db")
