"""The units of deploy/systemd: what systemd itself says of them, and that they are the same line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from producers.installing.components import COMPONENTS, NODE, Component
from producers.installing.workloads import CAPABILITIES
from schemas.services import PRODUCERS
from schemas.settings import from_environment
from workers import app

UNITS = Path(__file__).parents[3] / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTANCES = {"snapline-worker@.service": "license.gate", "snapline-volumes@.service": "node-a"}
MOST_EXPOSED = {"snapline-volumes@.service": 35}
"""As `systemd-analyze security` counts, from 0 to 100; the others are at most at 20."""
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


def lines(file: Path) -> dict[str, list[str]]:
    """Setting -> its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, Path]:
    """The units as they would be on a machine with Snapline, by their names here."""
    program = str(Path(sys.executable).with_name("snapline"))
    for file in UNITS.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("/opt/snapline/bin/snapline", program))
    named = {file.name: file.name.replace("@.", f"@{INSTANCES.get(file.name, '')}.") for file in SERVICES}
    for name, instance in named.items():
        if name != instance:
            shutil.copy(tmp_path / name, tmp_path / instance)
    return {name: tmp_path / instance for name, instance in named.items()}


@needs_systemd
def test_systemd_finds_nothing_wrong(installed: dict[str, Path]) -> None:
    done = _analyze("verify", *map(str, installed.values()))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_a_service_is_open_to_little(installed: dict[str, Path]) -> None:
    for name, file in installed.items():
        done = _analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED.get(name, 20)}", str(file))
        assert done.returncode == 0, done.stdout


def _analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
    return subprocess.run(
        ["systemd-analyze", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_there_is_a_unit_for_all_that_a_cluster_runs() -> None:
    commands = {lines(file)["ExecStart"][0].removeprefix("/opt/snapline/bin/snapline ") for file in SERVICES}
    own = {component.arguments[0] for component in COMPONENTS if component.name in PRODUCERS}
    assert commands == {"worker %i", "worker volumes.%i", *own}


def test_each_has_an_account_of_its_own_and_settings_that_are_known() -> None:
    for file in SERVICES:
        said = lines(file)
        account = said["CacheDirectory"][0].removeprefix("snapline/")
        assert account in {*PRODUCERS, "%i", "volumes.%i"}
        assert said["EnvironmentFile"] == ["/etc/snapline/settings.env", f"/etc/snapline/accounts/{account}.env"]
        assert said["LoadCredential"] == [f"kubeconfig:/etc/snapline/accounts/{account}.kubeconfig"]
        from_environment(dict(setting.split("=", 1) for setting in said["Environment"][0].split()))


def test_only_the_worker_of_a_node_is_root_with_what_a_pod_has_too() -> None:
    for file in SERVICES:
        said, node = lines(file), file.name == "snapline-volumes@.service"
        assert said["CapabilityBoundingSet"] == [" ".join(f"CAP_{name}" for name in CAPABILITIES) if node else ""]
        assert ("DynamicUser" in said) != node
        assert ("ReadWritePaths" in said) == node


def test_memory_is_limited_as_on_a_cluster_and_time_to_stop_is_enough() -> None:
    def limit(*components: Component) -> int:
        return max(component.memory for component in components)

    workers = [component for component in COMPONENTS if component.name not in PRODUCERS]
    wanted = {"worker %i": limit(*workers), "worker volumes.%i": NODE.memory}
    wanted |= {each.arguments[0]: each.memory for each in COMPONENTS if each.name in PRODUCERS}
    for file in SERVICES:
        said = lines(file)
        command = said["ExecStart"][0].removeprefix("/opt/snapline/bin/snapline ")
        assert said["MemoryMax"] == [f"{wanted[command]}M"], file.name
        assert int(said["TimeoutStopSec"][0]) * 1000 > app.GRACE_MS
