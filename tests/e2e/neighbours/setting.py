"""The applications of `applications.yaml`, and the line that serves them.

`archive` has volumes that people made, `foundry` a custom resource and its controller, `quarry` is there to be stuck.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local import looking, samples
from schemas.kubernetes import NAMESPACES, VOLUMES, Object, ResourceType
from tests.e2e.neighbours.pictures import is_going, name_of, volume_of
from tests.support.line import CONSOLE, Line, until
from tests.support.pods import UNDEPLOY_SECONDS, Installation, PodStack
from tests.support.real_cluster import namespaces, real_line, register

ARCHIVE, FOUNDRY, QUARRY = SLUGS = ("archive", "foundry", "quarry")
CASTINGS = ResourceType("foundry.example.com", "v1", "Casting", "castings", namespaced=True)
DEFINITIONS = ResourceType(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
DEFINITION = "castings.foundry.example.com"
HAND_MADE = {"shelf-archive-0": "archive-shelf", "catalogue": "archive-catalogue"}
"""Claims, and the volumes that people made for them."""
KEPT: Object = {
    "metadata": {"labels": {"depth": "deep"}},
    "spec": {"persistentVolumeReclaimPolicy": "Retain"},
}
"""What somebody has changed of a volume that a provisioner made."""
PODS_OF_ALL = 5
HERE = Path(__file__).parent


def backup_yaml(spec: Mapping[str, Any] | None = None) -> str:
    """A Backup resource as vendors ship it."""
    asked = {"includedNamespaces": [CONSOLE], **(spec or {})}
    return json.dumps({"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"name": "backup"}, "spec": asked})


BACKUPS = {ARCHIVE: backup_yaml(), FOUNDRY: backup_yaml(), QUARRY: backup_yaml({"excludedResources": ["cm"]})}


@contextmanager
def neighbours(root: Path, installation: Installation | None) -> Iterator[Line]:
    """The line, at work, with all three applications and the console, running, and something in every volume."""
    data = root / "data"
    with real_line(root, installation) as line:
        _forget(line)
        for volume in HAND_MADE.values():
            (data / volume).mkdir(parents=True)
        samples.create(line.cluster, objects(data))
        for slug, backup in BACKUPS.items():
            register(line, slug, backup, CONSOLE)
        until(lambda: all_run(line), "all applications run", seconds=120)
        for number, (_, directory) in enumerate(line.volume_directories()):
            samples.fill_volume(directory, 1, seed=number)
        line.cluster.patch(CASTINGS, CONSOLE, "bell", {"status": {"poured": 3}}, status=True)
        line.cluster.patch(VOLUMES, None, volume_of(line, "pit")["metadata"]["name"], KEPT)
        line.stack.start_workers(settings={"SNAPLINE_UNDEPLOY_TIMEOUT_SECONDS": str(UNDEPLOY_SECONDS)})
        yield line
        _forget(line)


def objects(data: Path) -> list[Object]:
    """All that the applications and the console consist of."""
    return samples.yaml_objects((HERE / "applications.yaml").read_text().replace("@DATA@", str(data)))


def add_again(line: Line, slug: str, backup: str) -> "subprocess.CompletedProcess[str]":
    """Tries to register an application with another Backup resource."""
    (file := line.stack.root / "another.yaml").write_text(backup)
    license_file = line.stack.root / "packages" / slug / "license.yaml"
    return line.stack.snapline("app", "add", slug, "--license", str(license_file), "--backup", str(file))


def create(line: Line, kind: str, name: str) -> None:
    """One of the objects, as it is in the file."""
    found = [obj for obj in objects(Path()) if (obj["kind"], obj["metadata"]["name"]) == (kind, name)]
    samples.create(line.cluster, found)


def destroy(line: Line) -> None:
    """Deletes namespace, volumes and definition; what is in the directories of volumes made by hand stays."""
    line.cluster.delete(NAMESPACES, None, CONSOLE)
    until(lambda: CONSOLE not in namespaces(line.cluster), "the namespace is gone", seconds=180)
    _forget(line)
    until(lambda: all(name_of(each) != DEFINITION for each in line.cluster.list(DEFINITIONS)), "the definition is gone")
    if isinstance(line.stack, PodStack):
        line.stack.start_workers()  # which have lost their rights and their destination


def _forget(line: Line) -> None:
    """Deletes what is in no namespace, also of a run that was broken off."""
    for name in HAND_MADE.values():
        line.cluster.delete(VOLUMES, None, name)
    for volume in line.cluster.list(VOLUMES, selector="depth"):
        line.cluster.patch(
            VOLUMES, None, volume["metadata"]["name"], {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
        )
        line.cluster.delete(VOLUMES, None, volume["metadata"]["name"])
    line.cluster.delete(DEFINITIONS, None, DEFINITION)


def all_run(line: Line, lodgers: int = 0) -> bool:
    """Whether every pod runs that should, and there is no other one but so many `lodgers`."""
    pods = looking.pods(line.cluster, CONSOLE)
    running = [pod for pod in pods if pod["status"].get("phase") == "Running" and not is_going(pod)]
    return len(running) == len(pods) == PODS_OF_ALL + lodgers
