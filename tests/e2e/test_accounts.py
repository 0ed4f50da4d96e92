"""Each worker with the token of its own ServiceAccount, and the rights of deploy/kubernetes/accounts.yaml alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import kubeconfigs
from deploy.local import looking, samples
from schemas.kubernetes import NAMESPACES, SECRETS, Object
from schemas.services import ANY_NODE, SCHEDULER
from tests.e2e.attacks import APP, attacks, intruder, refused
from tests.support import tokens
from tests.support.aftermath import check_is_clean
from tests.support.line import CONSOLE, Line, until
from tests.support.pods import Installation
from tests.support.real_cluster import namespaces, needs_a_cluster, real_line, register
from workers.ports import Cluster

pytestmark = [pytest.mark.timeout(900, func_only=True), needs_a_cluster]
BACKUP = "{apiVersion: velero.io/v1, kind: Backup, metadata: {name: b}, spec: {includedNamespaces: [accounts]}}"
APPLICATION = samples.yaml_objects((Path(__file__).parent / "accounts.yaml").read_text())
SCHEDULERS, HEARD = (SCHEDULER, "trying again"), ("watchdog", "tick.minute.v1")
"""What a service says where something is wrong, and of the time."""
ACCOUNTS = samples.yaml_objects(kubeconfigs.MANIFEST.read_text())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Filled with each service's kubeconfig when the line is there."""
    return {}


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, own: dict[str, Path], installation: Installation | None
) -> Iterator[Line]:
    with real_line(tmp_path_factory.mktemp("line"), installation) as line:
        line.namespaces = [APP]
        register(line, APP, BACKUP, APP)
        line.cluster.delete(NAMESPACES, None, APP)
        until(lambda: APP not in namespaces(line.cluster), "what was there is gone", 180)
        samples.create(line.cluster, APPLICATION)
        until(lambda: _runs(line), "the application runs", 120)
        with _pods(line, own, tmp_path_factory) if installation else _processes(line, own, tmp_path_factory):
            yield line
        line.cluster.delete(NAMESPACES, None, APP)


@contextmanager
def _pods(line: Line, own: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The installation's: each has the token of its account from the kubelet, and so have we."""
    line.stack.start_workers()
    own |= tokens.kubeconfigs(tmp_path_factory.mktemp("own"))
    yield


@contextmanager
def _processes(line: Line, own: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    _delete(line.cluster, ACCOUNTS)
    line.cluster.delete(NAMESPACES, None, kubeconfigs.NAMESPACE)
    until(lambda: kubeconfigs.NAMESPACE not in namespaces(line.cluster), "what was there is gone", 180)
    samples.create(line.cluster, ACCOUNTS)
    until(lambda: _have_tokens(line.cluster), "the accounts have their tokens", 120)
    admin = Path(os.environ["SNAPLINE_E2E_KUBECONFIG"])
    nodes = tuple(line.stack.kubelet_pods)
    own |= kubeconfigs.write(tmp_path_factory.mktemp("own"), admin, line.cluster, nodes)
    line.stack.start_workers(own={name: {"SNAPLINE_KUBECONFIG": str(file)} for name, file in own.items()})
    environment = line.stack.environment | {"SNAPLINE_KUBECONFIG": str(own[SCHEDULER])}
    line.stack.supervisor.start("scheduler", [sys.executable, "-m", "producers.cli.main", "scheduler"], environment)
    yield
    _delete(line.cluster, ACCOUNTS)


def _have_tokens(cluster: Cluster) -> bool:
    named = [obj["metadata"] for obj in ACCOUNTS if obj["kind"] == "Secret"]
    return all(cluster.get(SECRETS, each["namespace"], each["name"]).get("data") for each in named)


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


def test_the_scheduler_reads_its_schedules(line: Line) -> None:
    troubles, ticks = (line.stack.log(name).count(said) for name, said in (SCHEDULERS, HEARD))
    line.snapline("set", "schedule", "yearly", "--cron", "@yearly")
    until(lambda: line.stack.log(HEARD[0]).count(HEARD[1]) > ticks, "a tick is heard", 180)
    assert line.stack.log(SCHEDULERS[0]).count(SCHEDULERS[1]) == troubles


def test_a_stolen_token_opens_what_its_service_has_need_of_and_no_more(line: Line, own: dict[str, Path]) -> None:
    wrong = []
    with ExitStack() as opened:
        clients = {name: opened.enter_context(intruder(file)) for name, file in own.items()}
        for attack in attacks(CONSOLE, kubeconfigs.NAMESPACE):
            through = {_account(name) for name, client in clients.items() if not refused(client, attack)}
            wrong += [f"{who} may {attack.what}" for who in sorted(through - attack.may)]
            wrong += [f"{who} may not {attack.what}" for who in sorted(attack.may - through)]
    assert wrong == []
    assert line.cluster.get(SECRETS, APP, "db"), "nothing was really done"


def _account(service: str) -> str:
    return ANY_NODE if service.startswith(ANY_NODE) else service
