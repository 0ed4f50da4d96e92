"""The whole system on one machine: broker, object store, Kubernetes API, and a process per queue.

RabbitMQ is the one at SNAPLINE_AMQP_URL, else a private one; the cluster is the one at SNAPLINE_KUBECONFIG,
else an emulated one; the object store is a private SeaweedFS. Everything listens on 127.0.0.1.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import emulator, rabbitmq, seaweedfs
from deploy.local.license_authority import Authority, create_authority
from deploy.local.processes import Processes, Supervisor
from schemas import topology
from schemas.destination import Destination, DirectoryDestination, S3Destination

BESIDE = frozenset({"retention", "alarms"})
"""Queues that no job passes, whose workers are started where they are asked for."""


def worker_command(queue: str) -> list[str]:
    """How a worker is started."""
    return [sys.executable, "-m", "workers.app", queue]


@dataclass
class Stack:
    """What runs. `environment` is what workers and the CLI need to reach it."""

    root: Path
    environment: dict[str, str]
    supervisor: Supervisor
    broker: rabbitmq.RabbitMQ | None
    destination: Destination
    emulated: emulator.Emulator | None
    kubelet_pods: Mapping[str, Path]
    authority: Authority
    processes: Processes = field(default_factory=Processes)

    def queues(self, beside: Collection[str] = ()) -> list[str]:
        """Those that `start_workers` serves."""
        nodes = [topology.volumes(node).name for node in self.kubelet_pods]
        return [*(name for name in topology.QUEUES if name not in BESIDE or name in beside), *nodes]

    def start_workers(
        self,
        command: Callable[[str], list[str]] = worker_command,
        settings: Mapping[str, str] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
        beside: Collection[str] = (),
    ) -> None:
        """One process per queue of the line, and one per node; of those that no job passes, for what is `beside`.
        `settings` are for all, `own` by the queue for one."""
        common, of = self.environment | dict(settings or {}), own or {}
        for queue in [name for name in topology.QUEUES if name not in BESIDE or name in beside]:
            self.supervisor.start(queue, command(queue), common | dict(of.get(queue, {})))
        for node, pods in self.kubelet_pods.items():
            queue = topology.volumes(node).name
            mine = {"SNAPLINE_KUBELET_PODS": str(pods), **of.get(queue, {})}
            self.supervisor.start(queue, command(queue), common | mine)

    def log(self, name: str) -> str:
        """What the process called `name` has said."""
        file = self.root / "log" / f"{name}.log"
        return file.read_text() if file.exists() else ""

    def start_scheduler(self) -> None:
        """What is due is asked for, and the watchdog hears the minutes."""
        self.supervisor.start("scheduler", [sys.executable, "-m", "producers.cli.main", "scheduler"], self.environment)

    def start_console(self, listen: str) -> None:
        """The admin console, at a host and a port; `deploy.local.console` waits for it."""
        command = [sys.executable, "-m", "producers.cli.main", "console", "--listen", listen]
        self.supervisor.start("console", command, self.environment)

    def snapline(self, *arguments: str, show: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs the CLI as a user would. With `show`, its progress goes to our standard error."""
        command = [sys.executable, "-m", "producers.cli.main", *arguments]
        return self.processes.run(command, self.environment, show=show)


@contextmanager
def running(
    root: Path,
    *,
    nodes: Sequence[str] = ("node-a",),
    kubelet_pods: Mapping[str, Path] | None = None,
    amqp_url: str | None = None,
    destination: Destination | None = None,
    processes: Processes | None = None,
) -> Iterator[Stack]:
    """Starts everything but the workers, and but what is given: a broker, a bucket, or `kubelet_pods`, which belongs
    to a real cluster (node -> its pod directories)."""
    root.mkdir(parents=True, exist_ok=True)
    amqp_url, processes = amqp_url or os.environ.get("SNAPLINE_AMQP_URL"), processes or Processes()
    with ExitStack() as ending:
        broker = None if amqp_url else ending.enter_context(rabbitmq.start(root / "rabbitmq"))
        if destination is None:
            destination = ending.enter_context(seaweedfs.start(root / "seaweedfs")).destination()
        emulated = None
        kubeconfig = os.environ.get("SNAPLINE_KUBECONFIG")
        if kubeconfig is None:
            emulated = ending.enter_context(emulator.start(root / "kubernetes", nodes=nodes))
            kubeconfig = str(emulated.kubeconfig)
            kubelet_pods = {node: root / "kubernetes" / node / "pods" for node in nodes}
        authority = _authority(root / "license-keys")
        supervisor = Supervisor(root / "log", processes)
        ending.callback(supervisor.stop)
        yield Stack(
            root=root,
            environment={
                **_without_ours(os.environ),
                **destination_settings(destination),
                "SNAPLINE_AMQP_URL": broker.url if broker else amqp_url or "",
                "SNAPLINE_KUBECONFIG": kubeconfig,
                "SNAPLINE_PASSPHRASE": secrets.token_hex(16),
                "SNAPLINE_LICENSE_KEYS": str(root / "license-keys"),
                "SNAPLINE_CACHE": str(root / "cache"),
            },
            supervisor=supervisor,
            broker=broker,
            destination=destination,
            emulated=emulated,
            kubelet_pods=kubelet_pods or {},
            authority=authority,
            processes=processes,
        )


def _authority(folder: Path) -> Authority:
    """A vendor's key pair made for this stack; its public key is what the license gate trusts."""
    authority = create_authority()
    folder.mkdir(exist_ok=True)
    for name, pem in authority.trusted_files.items():
        (folder / name).write_bytes(pem)
    return authority


def destination_settings(destination: Destination) -> dict[str, str]:
    """The settings that make it the default destination, but for its passphrase. Raises RuntimeError for a provider
    that the environment cannot give."""
    match destination:
        case DirectoryDestination():
            return {"SNAPLINE_DIRECTORY": destination.path}
        case S3Destination():
            return {
                "SNAPLINE_S3_ENDPOINT": destination.endpoint,
                "SNAPLINE_S3_BUCKET": destination.bucket,
                "SNAPLINE_S3_PREFIX": destination.prefix,
                "SNAPLINE_S3_ACCESS_KEY_ID": destination.access_key_id,
                "SNAPLINE_S3_SECRET_ACCESS_KEY": destination.secret_access_key.get_secret_value(),
            }
    raise RuntimeError(f"the environment cannot give {destination.place}")


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("SNAPLINE_")}
