"""Old and new workers on one bus and one store: half of the steps old, then the other half; jobs end all the same. And
what an earlier release has backed up is restored by the line of now."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import looking
from deploy.local.stack import worker_command
from schemas import events as e
from schemas.destination import DirectoryDestination
from schemas.kubernetes import NAMESPACES
from tests.support import frozen_records
from tests.support.aftermath import check_is_clean, told_once
from tests.support.line import CONSOLE, Line, Servers, queues, until, whole_line
from workers.adapters.stores.directory import DirectoryObjectStore

pytestmark = pytest.mark.timeout(900)
OLD = "5233faa"
"""The commit whose workers are the old ones: the last before requests were signed and traced."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A checkout of the old commit, without a repository around it."""
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run([*git, "cat-file", "-e", f"{OLD}^{{commit}}"], capture_output=True, check=False)
    if known.returncode:
        pytest.skip(f"this checkout has no history back to {OLD}")
    archive = subprocess.run([*git, "archive", OLD], capture_output=True, check=True).stdout
    checkout = tmp_path / "old"
    checkout.mkdir()
    subprocess.run(["tar", "-x", "-C", str(checkout)], input=archive, check=True)
    return checkout


def _inside(checkout: Path, *module: str) -> list[str]:
    """How to run a module of the checkout: the directory where Python is started comes first."""
    return ["env", "-C", str(checkout), sys.executable, "-m", *module]


def _command(queue: str, checkout: Path, old_half: int) -> list[str]:
    is_old = queues().index(queue) % 2 == old_half
    return _inside(checkout, "workers.app", queue) if is_old else worker_command(queue)


def _swap(line: Line, checkout: Path) -> None:
    """Whoever was old is new, and the other way round, as in a rolling update."""
    children = line.stack.supervisor.children()
    for child in children:
        child.argv = _command(child.name, checkout, 1)
        until(lambda name=child.name: line.stack.supervisor.kill(name, 15), "it is told to end")  # type: ignore[misc]
    until(lambda: all(child.starts >= 2 for child in children), "all have been exchanged")


def test_jobs_pass_from_old_workers_to_new_ones_and_back(tmp_path: Path, servers: Servers, old: Path) -> None:
    with whole_line(tmp_path / "line", servers, megabytes=1, stall_after_seconds="5") as line:
        before = line.look()
        line.stack.start_workers(lambda queue: _command(queue, old, 0))
        line.publish(e.BackupRequested(), "between")
        backup = line.job("backup", "instance", "between")
        assert line.final("backup", backup, 400, meanwhile=line.tick)["status"] == "Completed"
        _swap(line, old)
        line.destroy()
        asked = _inside(old, "producers.cli.main", "restore", "--from-backup", backup, "--wait", "--timeout", "400")
        done = line.stack.processes.run(asked, line.stack.environment)
        assert done.returncode == 0, done.stderr
        until(line.all_run, "all pods run")
        assert looking.differences(before, line.look()) == []
        assert line.snapline("delete", "backup", backup, "--wait", "--yes", "--timeout", "400")["status"] == "Deleted"
        told_once(line)
        assert line.dead_letters() == []
        check_is_clean(line)


@pytest.fixture(params=["records-v1"])
def frozen(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, DirectoryDestination]:
    """A sample, and a directory that has all its objects."""
    sample = frozen_records.SAMPLES / request.param
    (tmp_path / "store").mkdir()
    destination = DirectoryDestination(path=str(tmp_path / "store"))
    store = DirectoryObjectStore(destination)
    for key, body in frozen_records.objects(sample).items():
        store.put(key, body)
    return sample, destination


def test_what_an_earlier_release_has_backed_up_is_restored(
    tmp_path: Path, servers: Servers, frozen: tuple[Path, DirectoryDestination]
) -> None:
    sample, destination = frozen
    wanted = frozen_records.expected(sample)
    with whole_line(
        tmp_path / "line", servers, destination=destination, megabytes=1, passphrase=frozen_records.PASSPHRASE
    ) as line:
        line.destroy()
        line.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}})
        line.stack.start_workers()
        done = line.snapline("restore", "--from-backup", wanted["backup"], "--wait", "--timeout", "400")
        assert done["status"] == "Completed", done
        until(line.all_run, "all pods run")
        there = {key: frozen_records.listing(path) for key, path in line.volume_directories() if key.count("/") == 1}
        assert {key: there[key] for key in wanted["volumes"]} == wanted["volumes"]
        assert line.dead_letters() == []
        check_is_clean(line)
