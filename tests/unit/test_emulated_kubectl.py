"""kubectl works against the emulated cluster, and the demonstration that is kept has all services."""

import base64
import json
import shlex
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from deploy.local import emulator, samples
from deploy.local.demo import acts, report, stage
from deploy.local.demo.report import DemoFailed, Report
from deploy.local.demo.stage import Stage
from deploy.local.processes import Child, Supervisor
from deploy.local.stack import Stack
from schemas import topology
from schemas.destination import DirectoryDestination
from tests.support.line import until
from workers.adapters.cluster import connect
from workers.adapters.twins.cluster import MemoryCluster

TABLES = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    with emulator.start(tmp_path_factory.mktemp("kubernetes")) as running:
        cluster = connect(str(running.kubeconfig))
        samples.create(cluster, samples.console_objects("snapline-console"))
        until(lambda: "Running" in json.dumps(_answer(running, "/api/v1/pods", TABLES)["rows"]), "the pod runs")
        yield running


def _answer(emulated: emulator.Emulator, path: str, accept: str) -> dict[str, Any]:
    config = yaml.safe_load(emulated.kubeconfig.read_text())
    authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "Accept": accept}
    trusting = ssl.create_default_context(cadata=authority)
    with urllib.request.urlopen(
        urllib.request.Request(emulated.url + path, headers=headers), context=trusting
    ) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_who_asks_for_a_table_gets_one(emulated: emulator.Emulator) -> None:
    found = _answer(emulated, "/api/v1/pods", TABLES)
    assert found["kind"] == "Table"
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Ready", "Status", "Restarts", "Age"]
    [row] = found["rows"]
    assert row["cells"][:3] == ["kotsadm-rqlite-0", "1/1", "Running"]
    assert row["object"]["metadata"]["namespace"] == "snapline-console"
    one = _answer(emulated, "/api/v1/namespaces/snapline-console/pods/kotsadm-rqlite-0", TABLES)
    assert one["rows"][0]["cells"][0] == "kotsadm-rqlite-0"
    assert _answer(emulated, "/api/v1/pods", "application/json")["kind"] == "PodList"


def test_the_core_group_is_called_as_the_api_server_calls_it(emulated: emulator.Emulator) -> None:
    found = _answer(emulated, "/api/v1", "application/json")
    assert found["groupVersion"] == "v1"
    assert [each["name"] for each in found["resources"] if "ns" in each["shortNames"]] == ["namespaces"]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl here")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("get", "pods,pvc", "-A"), ("pod/kotsadm-rqlite-0", "1/1", "Running", "Bound")),
        (("get", "ns"), ("snapline-console", "Active")),
        (("get", "pods", "-n", "snapline-console", "-o", "json"), ('"kind": "List"', "kotsadm-rqlite-0")),
        (("describe", "pod", "-n", "snapline-console"), ("kotsadm-rqlite-0",)),
    ],
)
def test_kubectl_gets_what_it_asks_for(
    emulated: emulator.Emulator, arguments: Sequence[str], words: Sequence[str], tmp_path: Path
) -> None:
    command = ["kubectl", "--kubeconfig", str(emulated.kubeconfig), *arguments]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, [word for word in words if word not in done.stdout]) == (0, []), done.stderr


class Noting(Supervisor):
    """Starts nothing."""

    def __init__(self, log_dir: Path) -> None:
        super().__init__(log_dir)
        self.started: list[str] = []

    def start(self, name: str, argv: Sequence[str], environment: object = None) -> Child:
        self.started.append(name)
        return Child(name, argv, {}, Path())


def test_the_demonstration_runs_every_service(
    emulated: emulator.Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enough(_stage: Stage) -> None:
        raise DemoFailed("enough")

    monkeypatch.setattr(Stage, "install_console", enough)
    services = Noting(tmp_path)
    stack = Stack(
        root=tmp_path,
        environment={"SNAPLINE_KUBECONFIG": str(emulated.kubeconfig)},
        supervisor=services,
        broker=None,
        destination=DirectoryDestination(path="/nowhere"),
        emulated=emulated,
        kubelet_pods={"node-a": tmp_path},
        authority=None,  # type: ignore[arg-type]  # nobody signs anything
    )
    with pytest.raises(DemoFailed, match="enough"):
        acts.play(stack, Report())
    assert sorted(services.started) == sorted([*topology.QUEUES, "volumes.node-a", "scheduler"])


def test_the_demonstration_says_a_command_in_a_line_and_how_long_a_step_took(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = StringIO()
    for module in (report, stage):
        monkeypatch.setattr(module, "say", Console(file=shown, width=40, highlight=False))
    done = subprocess.CompletedProcess([], 0, stdout="{}")
    monkeypatch.setattr(Stack, "snapline", lambda *_arguments, show: done)
    words = ["backup", "--app", "[bold]", "x" * 80]
    with Report().step("A step [/b] " * 9) as told:
        Stage(Stack.__new__(Stack), cluster=MemoryCluster()).snapline(*words)
        told("done")
    what, command, outcome = shown.getvalue().splitlines()
    assert what.strip() == ("A step [/b] " * 9).strip()
    assert command == f"$ snapline {shlex.join(words)}"
    assert outcome.startswith("  done (0.")
