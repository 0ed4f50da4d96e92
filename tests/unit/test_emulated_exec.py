"""Commands in the emulated cluster's pods: where they run, who may run them, and when they end."""

import base64
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import yaml

from deploy.local import emulator
from schemas.kubernetes import CLAIMS, NAMESPACES, PODS, Object
from tests.support.line import until
from workers.adapters.cluster import connect
from workers.ports import Cluster, ExecResult


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[emulator.Emulator]:
    with emulator.start(tmp_path / "kubernetes") as running:
        yield running


@pytest.fixture
def cluster(emulated: emulator.Emulator) -> Cluster:
    """With the running pod `shop/db`: a claim at /data, and an emptyDir at /scratch and, in part, at /data/tmp."""
    cluster = connect(str(emulated.kubeconfig))
    cluster.create(NAMESPACES, {"metadata": {"name": "shop"}})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    cluster.create(CLAIMS, {"metadata": {"name": "data", "namespace": "shop"}, "spec": spec})
    cluster.create(PODS, _pod())
    until(lambda: (cluster.get(PODS, "shop", "db").get("status") or {}).get("phase") == "Running", "it runs")
    return cluster


def _pod() -> Object:
    mounts = [
        {"name": "data", "mountPath": "/data"},
        {"name": "scratch", "mountPath": "/scratch/"},
        {"name": "scratch", "mountPath": "/data/tmp", "subPath": "part"},
    ]
    env = [{"name": "DUMP", "value": "/scratch/dump"}, {"name": "PLAIN", "value": "text"}]
    container = {"name": "db", "image": "db:1", "env": env, "workingDir": "/data", "volumeMounts": mounts}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "scratch", "emptyDir": {}}]
    return {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"containers": [container], "volumes": volumes}}


SAY_PID = "echo $$ >/scratch/pid"


def run(cluster: Cluster, script: str, seconds: float = 200) -> ExecResult:
    command = ["sh", "-c", script]
    return cluster.exec("shop", "db", "db", command, deadline=timedelta(seconds=seconds), limit=10_000)


def test_paths_of_the_container_are_its_volumes(cluster: Cluster, tmp_path: Path) -> None:
    assert run(cluster, 'echo kept >/data/file; mkdir -p /data/tmp; echo "$PLAIN" >"$DUMP"').exit_code == 0
    assert run(cluster, "cat file /scratch/dump; ls -d /data2 /data.d 2>&1 | wc -l") == ExecResult(0, "kept\ntext\n2\n")
    assert run(cluster, "touch /data/tmp/x; ls /scratch/part").stdout == "x\n"
    pods = tmp_path / "kubernetes" / "node-a" / "pods"
    assert len(list(pods.glob("*/volumes/kubernetes.io~local-volume/*/file"))) == 1
    assert len(list(pods.glob("*/volumes/kubernetes.io~empty-dir/scratch/dump"))) == 1


def test_commands_know_nothing_of_the_emulators_environment(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPLINE_PASSPHRASE", "secret")
    assert "secret" not in run(cluster, "env").stdout
    assert run(cluster, "echo $HOSTNAME").stdout == "db\n"


def test_without_the_kubeconfigs_token_nobody_gets_in(emulated: emulator.Emulator) -> None:
    assert emulated.kubeconfig.stat().st_mode & 0o077 == 0
    cluster = yaml.safe_load(emulated.kubeconfig.read_text())["clusters"][0]["cluster"]
    trusting = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    for path in ("/api/v1/pods", "/api/v1/namespaces/shop/pods/db/exec?command=id&stdout=true"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(emulated.url + path, timeout=120, context=trusting)
        assert refused.value.code == 401
        assert json.load(refused.value)["reason"] == "Unauthorized"


def test_a_command_goes_on_without_its_caller(cluster: Cluster, tmp_path: Path) -> None:
    assert run(cluster, "sleep 1; touch /scratch/late", seconds=0.3).exit_code is None
    until(lambda: any(tmp_path.glob("kubernetes/node-a/pods/*/volumes/*/scratch/late")), "it has ended")


def test_a_command_ends_with_its_pod(cluster: Cluster, tmp_path: Path) -> None:
    results: list[ExecResult] = []
    waiting = Thread(target=lambda: results.append(run(cluster, f"{SAY_PID}; exec sleep 300", seconds=300)))
    waiting.start()
    pid = _said_pid(tmp_path)
    cluster.delete(PODS, "shop", "db", grace_seconds=0)
    waiting.join(200)
    assert results[0].exit_code == 137
    assert not _is_alive(pid)


def test_a_command_ends_with_the_emulator(cluster: Cluster, emulated: emulator.Emulator, tmp_path: Path) -> None:
    assert run(cluster, f"{SAY_PID}; exec sleep 300", seconds=0.5).exit_code is None
    pid = _said_pid(tmp_path)
    assert _is_alive(pid)
    emulated.stop()
    until(lambda: not _is_alive(pid), "it has ended")


def _said_pid(root: Path) -> int:
    said: list[str] = []

    def is_said() -> bool:
        files = root.glob("kubernetes/node-a/pods/*/volumes/*/scratch/pid")
        said[:] = [text for file in files if (text := file.read_text()).endswith("\n")]
        return bool(said)

    until(is_said, "it says its pid")
    return int(said[0])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
