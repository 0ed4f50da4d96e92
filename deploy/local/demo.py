"""`make demo`: snapshot, disaster, restore, comparison; on the whole system, started for the occasion.

Exit codes: 0 all is back, 1 something differs or failed.
"""

import argparse
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local import looking, samples
from deploy.local.stack import Stack, running
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.kubernetes import NAMESPACES
from workers.adapters.cluster import connect
from workers.adapters.stores import open_store
from workers.jobs.hooks import load_output
from workers.ports import Cluster
from workers.repository import open_repository

CONSOLE_NAMESPACE = "snapline-console"
MEGABYTES = {"shop-floor": 200, "print-works": 10}
"""Volume data per application."""
PATIENCE = 60
"""Seconds to wait for the emulated cluster."""

say = Console(stderr=True, highlight=False)


class DemoFailed(Exception):
    """What went wrong, for people to read."""


@dataclass
class Report:
    """A line per step: what, how long, what came of it."""

    rows: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """Times a step; call the result with what came of it."""
        say.print(f"[bold]{what}")
        began, said = time.monotonic(), [""]
        yield lambda outcome: said.__setitem__(0, outcome)
        self.rows.append((what, time.monotonic() - began, said[0]))

    def table(self) -> Table:
        """For people."""
        table = Table("step", "seconds", "outcome")
        table.columns[1].justify = "right"
        for what, seconds, outcome in self.rows:
            table.add_row(what, f"{seconds:.1f}", outcome)
        return table


def main() -> int:
    """Runs the demonstration; the exit code."""
    options = _options()
    root = Path(tempfile.mkdtemp(prefix="snapline-demo-"))
    report = Report()
    try:
        with running(root) as stack:
            _show(stack, report)
            Console().print(report.table())
            _where_next(stack, keep=options.keep)
        return 0
    except (DemoFailed, SnaplineError) as error:
        say.print(report.table())
        say.print(f"[red]The demo failed:[/red] {error}", markup=True)
        say.print(_last_words(root), markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stack running at the end")
    return parser.parse_args()


def _show(stack: Stack, report: Report) -> None:
    cluster = connect(stack.environment["SNAPLINE_KUBECONFIG"])
    apps = samples.applications()
    everything = [CONSOLE_NAMESPACE, *(app.namespace for app in apps)]
    with report.step("Start the workers, install two applications and a console") as told:
        stack.start_workers()
        _install(stack, cluster, apps)
        before = looking.look(cluster, everything, stack.kubelet_pods)
        told(f"{len(before.objects)} objects, {_files(before)} files in {len(before.volumes)} volumes")
    with report.step("Take a full snapshot") as told:
        full = _snapline(stack, "backup", "--wait")
        told(f"{full['name']}: {full['status']}")
        _show_hooks(stack, Job("backup", full["name"]))
    with report.step("Destroy the applications, the console and all volume data") as told:
        _destroy(stack, cluster, everything)
        told("all gone")
    with report.step("Restore the full snapshot") as told:
        restored = _snapline(stack, "restore", "--from-backup", full["name"], "--wait")
        told(f"{restored['name']}: {restored['status']}")
        _show_hooks(stack, Job("restore", restored["name"]))
    with report.step("Compare every object and every byte") as told:
        told(_compare(before, cluster, everything, stack))
    with report.step("Take a partial snapshot of shop-floor") as told:
        partial = _snapline(stack, "backup", "--app", "shop-floor", "--wait")
        told(f"{partial['name']}: {partial['status']}")
    untouched = looking.look(cluster, [CONSOLE_NAMESPACE, "print-works"], stack.kubelet_pods)
    with report.step("Destroy shop-floor, and restore that application alone") as told:
        _destroy(stack, cluster, ["shop-floor"])
        again = _snapline(stack, "restore", "--from-backup", partial["name"], "--wait")
        told(f"{again['name']}: {again['status']}")
    with report.step("Compare again; nothing else was touched") as told:
        told(_compare(before, cluster, everything, stack))
        now = looking.look(cluster, [CONSOLE_NAMESPACE, "print-works"], stack.kubelet_pods)
        if now.uids != untouched.uids:
            raise DemoFailed("the application-only restore replaced objects of others")


def _install(stack: Stack, cluster: Cluster, apps: list[samples.SampleApp]) -> None:
    packages = stack.root / "packages"
    samples.write_packages(packages, stack.authority)
    samples.create(cluster, samples.console_objects(CONSOLE_NAMESPACE))
    for app in apps:
        samples.create(cluster, app.objects)
        files = packages / app.slug
        _snapline(
            stack,
            "app",
            "add",
            app.slug,
            "--license",
            str(files / "license.yaml"),
            "--backup",
            str(files / "backup.yaml"),
            "--namespace",
            app.namespace,
        )
    for namespace in (CONSOLE_NAMESPACE, *(app.namespace for app in apps)):
        _until(partial(_all_run, cluster, namespace), f"the pods of {namespace} run")
    samples.fill_volume(_volume_directories(stack, cluster, CONSOLE_NAMESPACE)[0], 2, seed=9)
    for app in apps:
        for number, directory in enumerate(_volume_directories(stack, cluster, app.namespace)):
            samples.fill_volume(directory, MEGABYTES[app.slug] if number == 0 else 2, seed=number)


def _volume_directories(stack: Stack, cluster: Cluster, namespace: str) -> list[Path]:
    """The distinct volumes of a namespace's pods, claims first."""
    found: dict[str, Path] = {}
    for key, path in looking.volume_directories(cluster, {namespace}, stack.kubelet_pods):
        found.setdefault(key, path)
    return [found[key] for key in sorted(found, key=lambda key: (key.count("/"), key))]


def _all_run(cluster: Cluster, namespace: str) -> bool:
    pods = looking.pods(cluster, namespace)
    return bool(pods) and all((pod.get("status") or {}).get("phase") == "Running" for pod in pods)


def _destroy(stack: Stack, cluster: Cluster, namespaces: list[str]) -> None:
    """Deletes the namespaces with all that is in them; the volumes' data goes with their claims."""
    directories = [path for _, path in looking.volume_directories(cluster, set(namespaces), stack.kubelet_pods)]
    for namespace in namespaces:
        cluster.delete(NAMESPACES, None, namespace)
    gone = set(namespaces)
    _until(lambda: not gone & {ns["metadata"]["name"] for ns in cluster.list(NAMESPACES)}, "the namespaces are gone")
    _until(lambda: not any(path.exists() for path in directories), "the volume data is gone")


def _compare(before: looking.Picture, cluster: Cluster, namespaces: list[str], stack: Stack) -> str:
    after = looking.look(cluster, namespaces, stack.kubelet_pods)
    if found := looking.differences(before, after):
        raise DemoFailed("\n".join(["what came back is not what was there:", *found[:20]]))
    return f"{len(after.objects)} objects and {_files(after)} files are identical"


def _files(picture: looking.Picture) -> int:
    return sum(len(volume) for volume in picture.volumes.values())


def _snapline(stack: Stack, *arguments: str) -> dict[str, Any]:
    """A CLI command's JSON result; its progress is shown as it comes."""
    say.print(f"[dim]$ snapline {shlex.join(arguments)}")
    done = stack.snapline(*arguments, "-o", "json", show=True)
    if done.returncode:
        raise DemoFailed(f"`snapline {shlex.join(arguments)}` ended with exit code {done.returncode}: {done.stdout}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _show_hooks(stack: Stack, job: Job) -> None:
    """The hooks that ran, and what they said."""
    store = open_store(stack.destination)
    repository = open_repository(store, stack.environment["SNAPLINE_PASSPHRASE"])
    record = json.loads(store.get(keys.final(job)))
    if not record["hooks"]:
        raise DemoFailed(f"no hook of the console was run for {job}")
    for hook in record["hooks"]:
        said = load_output(store, repository, hook["output"])
        ran = f"{hook['phase']} hook in {hook['namespace']}/{hook['pod']}: {shlex.join(said.command)}"
        say.print(ran, style="dim", soft_wrap=True, markup=False)
        say.print(f"  {hook['error'] or said.stdout.strip() or 'done'}", markup=False)


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {PATIENCE} s in vain until {what}")
        time.sleep(0.1)


def _where_next(stack: Stack, *, keep: bool) -> None:
    if not keep:
        say.print("Next: `make demo KEEP=1` leaves all this running for the CLI; README.md goes on from there.")
        return
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    ours = {name: value for name, value in sorted(stack.environment.items()) if name.startswith("SNAPLINE_")}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in ours.items()]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    environment = stack.root / "environment"
    environment.write_text("\n".join(lines) + "\n")
    Console(soft_wrap=True).print(f"\n{environment.read_text()}", markup=False, highlight=False)
    say.print(f"The stack runs until Ctrl-C. In another shell: `. {environment}`, then for example", soft_wrap=True)
    say.print("`snapline get backups`, `snapline events tail --from first`, `snapline backup --app shop-floor --wait`")
    signal.sigwait(signals)


def _last_words(root: Path) -> str:
    """The ends of the workers' logs."""
    logs = sorted((root / "log").glob("*.log"))
    return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-5:]) for log in logs)


if __name__ == "__main__":
    sys.exit(main())
