"""What the demonstration acts with: commands, the cluster, and a look at what is there."""

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local import looking, samples
from deploy.local.demo.report import DemoFailed, say
from deploy.local.stack import Stack
from schemas import keys
from schemas.job import Job
from schemas.kubernetes import NAMESPACES
from workers.adapters.stores import open_store
from workers.adapters.stores.sealed_records import SealedRecords
from workers.jobs.hooks import load_output
from workers.ports import Cluster
from workers.repository import open_repository

CONSOLE_NAMESPACE = "snapline-console"
MEGABYTES = {"shop-floor": 200, "print-works": 10, "tool-crib": 1}
"""Volume data per application."""
PATIENCE = 60
"""Seconds to wait for the emulated cluster."""


@dataclass(frozen=True)
class Stage:
    """The running system, and its cluster."""

    stack: Stack
    cluster: Cluster

    def snapline(self, *arguments: str) -> dict[str, Any]:
        """A CLI command's JSON result; its progress is shown as it comes."""
        say.print(f"$ snapline {shlex.join(arguments)}", style="dim", markup=False, soft_wrap=True)
        done = self.stack.snapline(*arguments, "-o", "json", show=True)
        if done.returncode:
            what = f"`snapline {shlex.join(arguments)}` ended with exit code {done.returncode}: {done.stdout}"
            raise DemoFailed(what)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def look(self, *namespaces: str) -> looking.Picture:
        """All that is in the namespaces, and in the volumes of their pods."""
        return looking.look(self.cluster, namespaces, self.stack.kubelet_pods)

    def install_console(self) -> None:
        """The admin console, which keeps its data in an emptyDir."""
        samples.create(self.cluster, samples.console_objects(CONSOLE_NAMESPACE))
        self._until_it_runs(CONSOLE_NAMESPACE)
        samples.fill_volume(self.volumes(CONSOLE_NAMESPACE)[0], 2, seed=9)

    def install(self, app: samples.SampleApp) -> None:
        """An application with data in its volumes."""
        there = self.volumes(app.namespace)
        files = self.stack.root / "packages" / app.slug
        samples.write_package(files, app, self.stack.authority)
        samples.create(self.cluster, app.objects)
        package = ("--license", str(files / "license.yaml"), "--backup", str(files / "backup.yaml"))
        self.snapline("set", "app", app.slug, *package, "--namespace", app.namespace)
        self._until_it_runs(app.namespace)
        new = [path for path in self.volumes(app.namespace) if path not in there]
        for number, directory in enumerate(new):
            samples.fill_volume(directory, MEGABYTES[app.slug] if number == 0 else 2, seed=number)

    def volumes(self, namespace: str) -> list[Path]:
        """The distinct volumes of a namespace's pods, claims first."""
        found: dict[str, Path] = {}
        for key, path in looking.volume_directories(self.cluster, {namespace}, self.stack.kubelet_pods):
            found.setdefault(key, path)
        return [found[key] for key in sorted(found, key=lambda key: (key.count("/"), key))]

    def destroy(self, *namespaces: str) -> None:
        """Deletes the namespaces with all that is in them; the volumes' data goes with their claims."""
        directories = [path for namespace in namespaces for path in self.volumes(namespace)]
        for namespace in namespaces:
            self.cluster.delete(NAMESPACES, None, namespace)
        gone = set(namespaces)
        until(
            lambda: not gone & {ns["metadata"]["name"] for ns in self.cluster.list(NAMESPACES)}, "namespaces are gone"
        )
        until(lambda: not any(path.exists() for path in directories), "the volume data is gone")

    def show_hooks(self, job: Job) -> None:
        """The hooks that ran, and what they said."""
        store = open_store(self.stack.destination)
        repository = open_repository(store, self.stack.environment["SNAPLINE_PASSPHRASE"])
        record = json.loads(SealedRecords(store, lambda: repository).get(keys.final(job)))
        if not record["hooks"]:
            raise DemoFailed(f"no hook was run for {job}")
        for hook in record["hooks"]:
            said = load_output(store, repository, hook["output"])
            ran = f"{hook['phase']} hook in {hook['namespace']}/{hook['pod']}: {shlex.join(said.command)}"
            say.print(ran, style="dim", soft_wrap=True, markup=False)
            say.print(f"  {hook['error'] or said.stdout.strip() or 'done'}", markup=False)

    def _namespaces(self) -> set[str]:
        return {namespace["metadata"]["name"] for namespace in self.cluster.list(NAMESPACES)}

    def _until_it_runs(self, namespace: str) -> None:
        until(partial(_all_run, self.cluster, namespace), f"the pods of {namespace} run")


def until(true: Callable[[], bool], what: str) -> None:
    """Waits. Raises DemoFailed after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {PATIENCE} s in vain until {what}")
        time.sleep(0.1)


def compare(expected: looking.Picture, found: looking.Picture) -> str:
    """What was compared, in words. Raises DemoFailed for what differs."""
    if differences := looking.differences(expected, found):
        raise DemoFailed("\n".join(["what came back is not what was there:", *differences[:20]]))
    return f"{len(found.objects)} objects and {files_in(found)} files are identical"


def files_in(picture: looking.Picture) -> int:
    """How many files its volumes hold."""
    return sum(len(volume) for volume in picture.volumes.values())


def _all_run(cluster: Cluster, namespace: str) -> bool:
    pods = looking.pods(cluster, namespace)
    return bool(pods) and all((pod.get("status") or {}).get("phase") == "Running" for pod in pods)
