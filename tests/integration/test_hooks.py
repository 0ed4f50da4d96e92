"""What a hook has frozen is thawed: after a SIGKILL, a cancel, and a hook that does not end. Real broker and store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import backup
from schemas.kubernetes import PODS, Object
from tests.support.line import Line, Servers, until, whole_line
from workers.jobs import ledger

pytestmark = pytest.mark.timeout(600)
SHOP = "shop-floor"
NODE = "volumes.node-a"
FREEZE = "echo freeze >> /state/log; touch /state/frozen"
THAW = '["sh", "-c", "echo thaw >> /state/log; rm /state/frozen"]'


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Line]:
    with whole_line(tmp_path_factory.mktemp("line"), servers) as line:
        line.stack.start_workers()
        yield line


@contextmanager
def _database(line: Line, freeze: str, **annotations: str) -> Iterator[Path]:
    """A pod of the application with hooks around its copy; the directory in which they note what they do."""
    hooks = {
        "backup.velero.io/backup-volumes": "data",
        "pre.hook.backup.velero.io/command": f'["sh", "-c", "{freeze}"]',
        "post.hook.backup.velero.io/command": THAW,
        **{f"pre.hook.backup.velero.io/{name}": value for name, value in annotations.items()},
    }
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("state", "data")]
    labels = {"kots.io/app-slug": SHOP, "kots.io/backup": "velero"}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "frozen-db", "namespace": SHOP, "labels": labels, "annotations": hooks},
        "spec": {
            "containers": [{"name": "main", "image": "busybox:1.35", "volumeMounts": mounts}],
            "volumes": [{"name": name, "emptyDir": {}} for name in ("state", "data")],
        },
    }
    uid = line.cluster.create(PODS, pod)["metadata"]["uid"]
    until(lambda: _live(line)["status"].get("phase") == "Running", "the pod runs")
    try:
        yield line.stack.kubelet_pods["node-a"] / uid / "volumes" / "kubernetes.io~empty-dir" / "state"
    finally:
        line.cluster.delete(PODS, SHOP, "frozen-db")


def _live(line: Line) -> Object:
    return {"status": {}, **line.cluster.get(PODS, SHOP, "frozen-db")}


def _back_up(line: Line, id_: str) -> str:
    line.publish(e.BackupRequested(app=SHOP), id_)
    return line.job("backup", SHOP, id_)


def _marked() -> set[str]:
    """Processes that some hook has started."""
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if b"SNAPLINE_HOOK=" in environment.read_bytes():
                found.add(environment.parent.name)
        except OSError:
            continue
    return found


def test_frozen_killed_thawed(line: Line) -> None:
    """The worker is killed in the hook before the copy. The next one ends what is left, thaws, and begins anew."""
    hangs_once = f"{FREEZE}; [ -e /state/again ] || {{ touch /state/again; sleep 600; }}"
    others = _marked()
    with _database(line, hangs_once, timeout="15m") as state:
        name = _back_up(line, "killed")
        until((state / "again").exists, "the pod is frozen")
        assert _marked() > others
        line.stack.supervisor.kill(NODE)
        record = line.final("backup", name)
        assert record["status"] == "Completed"
        assert (state / "log").read_text().split() == ["freeze", "thaw", "freeze", "thaw"]
        assert not (state / "frozen").exists()
        assert ["broken off" in warning["text"] for warning in record["warnings"]] == [True]
        assert [hook["phase"] for hook in record["hooks"] if hook["pod"] == "frozen-db"] == ["pre", "post"]
        until(lambda: _marked() <= others, "nothing that a hook has started is left")


def test_two_backups_of_one_pod_and_a_kill_in_the_midst_of_one(line: Line) -> None:
    """Both are whole; the second waits for the first, also when that begins anew, and each freeze has its thaw."""
    hangs_once = f"{FREEZE}; [ -e /state/again ] || {{ touch /state/again; sleep 600; }}"
    with _database(line, hangs_once, timeout="15m") as state:
        first = _back_up(line, "first of two")
        until((state / "again").exists, "the pod is frozen")
        second = _back_up(line, "second of two")
        planned = keys.plan(backup(second))
        until(lambda: ledger.exists(line.store, planned), "the second is to copy the same pod")
        line.stack.supervisor.kill(NODE)
        records = [line.final("backup", name) for name in (first, second)]
        assert [record["status"] for record in records] == ["Completed", "Completed"]
        assert (state / "log").read_text().split() == ["freeze", "thaw"] * 3
        assert not (state / "frozen").exists()
        for record in records:
            assert [hook["phase"] for hook in record["hooks"] if hook["pod"] == "frozen-db"] == ["pre", "post"]
            assert [volume["pod"] for volume in record["volumes"]].count("frozen-db") == 1


def test_a_cancelled_backup_is_thawed_before_it_ends(line: Line) -> None:
    with _database(line, f"{FREEZE}; until [ -e /state/cancelled ]; do sleep 0.1; done") as state:
        name = _back_up(line, "cancelled")
        until((state / "frozen").exists, "the pod is frozen")
        assert line.stack.snapline("cancel", name).returncode == 0
        (state / "cancelled").touch()
        record = line.final("backup", name)
        assert record["status"] == "Cancelled"
        assert (state / "log").read_text().split() == ["freeze", "thaw"]


def test_a_hook_that_does_not_end_is_ended_and_the_pod_thawed(line: Line) -> None:
    others = _marked()
    with _database(line, f"{FREEZE}; sleep 600", timeout="8s") as state:
        record = line.final("backup", _back_up(line, "hanging"))
        assert record["status"] == "PartiallyFailed"
        [error] = record["errors"]
        assert error["code"] == "HookFailed"
        assert error["text"].endswith("it had not ended after 8 s, and was ended")
        assert [volume["pod"] for volume in record["volumes"]].count("frozen-db") == 1
        assert (state / "log").read_text().split() == ["freeze", "thaw"]
        until(lambda: _marked() <= others, "nothing that a hook has started is left")
