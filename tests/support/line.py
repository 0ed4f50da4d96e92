"""The whole line on this machine, for tests: real broker, real S3 server, emulated Kubernetes, real processes."""

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from deploy.local import looking, samples
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from deploy.local.stack import BESIDE, Stack, running
from schemas import events as e
from schemas import keys, topology
from schemas.destination import Destination
from schemas.errors import TransientError
from schemas.job import Job, Kind, name_for, request_uuid
from schemas.kubernetes import NAMESPACES
from tests.support.event_log import logged
from tests.support.forks import Forks
from workers.adapters import broker
from workers.adapters.cluster import connect
from workers.adapters.stores import open_store
from workers.adapters.stores.sealed_records import SealedRecords
from workers.ports import Cluster, ObjectStore
from workers.repository import open_repository

CONSOLE = "snapline-console"


class Line:
    """A running stack with the sample applications installed, and small volumes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.environment["SNAPLINE_AMQP_URL"]
        self.cluster: Cluster = connect(stack.environment["SNAPLINE_KUBECONFIG"])
        self.namespaces = [CONSOLE, *(app.namespace for app in samples.applications())]

    @property
    def objects(self) -> ObjectStore:
        """The bucket, as somebody sees it who has no passphrase."""
        return open_store(self.stack.destination)

    @cached_property
    def store(self) -> ObjectStore:
        """The bucket, as the workers see it."""
        objects, passphrase = self.objects, self.stack.environment["SNAPLINE_PASSPHRASE"]
        return SealedRecords(objects, cache(lambda: open_repository(objects, passphrase)))

    def install(self, megabytes: int = 2) -> None:
        """The console and the sample applications, registered and running."""
        packages = self.stack.root / "packages"
        samples.write_packages(packages, self.stack.authority)
        samples.create(self.cluster, samples.console_objects(CONSOLE))
        for app in samples.applications():
            samples.create(self.cluster, app.objects)
            files = packages / app.slug
            self.snapline(
                *("app", "add", app.slug, "--license", str(files / "license.yaml")),
                *("--backup", str(files / "backup.yaml"), "--namespace", app.namespace),
            )
        until(self.all_run, "all pods run")
        for number, (_, directory) in enumerate(self.volume_directories()):
            samples.fill_volume(directory, megabytes, seed=number)

    def volume_directories(self) -> list[tuple[str, Path]]:
        """The distinct volumes of all applications."""
        found = looking.volume_directories(self.cluster, set(self.namespaces), self.stack.kubelet_pods)
        return sorted(dict(found).items())

    def all_run(self) -> bool:
        """Whether every namespace has pods, and all run."""
        pods = [pod for namespace in self.namespaces for pod in looking.pods(self.cluster, namespace)]
        return bool(pods) and all((pod.get("status") or {}).get("phase") == "Running" for pod in pods)

    def look(self) -> looking.Picture:
        """Everything that a restore must bring back."""
        return looking.look(self.cluster, self.namespaces, self.stack.kubelet_pods)

    def destroy(self) -> None:
        """Deletes the namespaces, applications, console and volume data included."""
        paths = [path for _, path in self.volume_directories()]
        for namespace in self.namespaces:
            self.cluster.delete(NAMESPACES, None, namespace)
        gone = set(self.namespaces)
        until(lambda: not gone & {ns["metadata"]["name"] for ns in self.cluster.list(NAMESPACES)}, "namespaces gone")
        until(lambda: not any(path.exists() for path in paths), "volume data gone")

    def snapline(self, *arguments: str) -> Any:
        """A CLI command's JSON result; fails the test if the command fails."""
        done = self.stack.snapline(*arguments, "-o", "json")
        assert done.returncode == 0, f"snapline {arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def publish(self, event: e.Event, id_: str) -> None:
        """Publishes a request, as any other system would: again, while a busy broker does not take it."""
        asked = e.wrap(event, id=id_, source="tests", time=datetime.now(UTC))
        with closing(broker.Publisher(self.url, "tests")) as publisher:
            until(lambda: _taken(publisher, asked), f"the broker takes {event.type}", 120)

    def tick(self) -> None:
        """A tick of the scheduler's clock, as its trusted user."""
        self.publish(e.TickMinute(minute=datetime.now(UTC).isoformat()), f"tick/{time.time_ns()}")

    def told(self) -> list[e.AnyEvent]:
        """All that the event log has now."""
        return [entry.event for entry in logged(self.url)]

    def job(self, kind: Kind, prefix: str, request_id: str) -> str:
        """The name that a request of ours gets."""
        return name_for(prefix, request_uuid("snapline", "tests", request_id))

    def final(self, kind: Kind, name: str, seconds: float = 240, meanwhile: Callable[[], None] | None = None) -> Any:
        """The job's final record, when there is one. `meanwhile` is called once a second."""
        store, deadline, found = self.store, time.monotonic() + seconds, None
        while found is None:
            assert time.monotonic() < deadline, f"{name} has not ended in {seconds} s; {self.logs()}"
            time.sleep(0.25)
            if meanwhile and int(time.monotonic() * 4) % 4 == 0:
                meanwhile()
            found = next((entry for entry in store.list(keys.final(Job(kind, name)))), None)
        return json.loads(store.get(found.key))

    @contextmanager
    def held(self, queue: str) -> Iterator[None]:
        """Meanwhile, the queue's worker is there, and does nothing."""
        until(lambda: broker.queue_state(self.url, queue).consumers > 0, f"{queue} is served")
        self.stack.supervisor.kill(queue, signal.SIGSTOP)
        try:
            yield
        finally:
            self.stack.supervisor.kill(queue, signal.SIGCONT)

    def dead_letters(self) -> list[broker.DeadLetter]:
        """What lies in any XQ."""
        return list(broker.list_dead_letters(self.url))

    def logs(self) -> str:
        """The ends of the workers' logs."""
        logs = sorted((self.stack.root / "log").glob("*.log"))
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-4:]) for log in logs)


@dataclass(frozen=True)
class Servers:
    """The session's broker and S3 server; every line on them has a virtual host and a prefix of its own."""

    broker: RabbitMQ
    vhost: str
    s3: SeaweedFS

    @property
    def amqp_url(self) -> str:
        """For the workers."""
        return self.broker.url_of("snapline", self.vhost)

    @property
    def producer_url(self) -> str:
        """For other systems."""
        return self.broker.url_of("producer", self.vhost)


@pytest.fixture(scope="module")
def servers(broker_server: RabbitMQ, spare_vhosts: Iterator[str], s3_server: SeaweedFS) -> Servers:
    """For lines that share the session's servers."""
    return Servers(broker_server, next(spare_vhosts), s3_server)


@contextmanager
def whole_line(
    root: Path,
    servers: Servers | None = None,
    *,
    destination: Destination | None = None,
    megabytes: int = 2,
    **settings: str,
) -> Iterator[Line]:
    """A line with its applications, on servers of its own unless some are given; `settings` are SNAPLINE_ variables
    without the prefix. Its workers are not started."""
    amqp_url = servers.amqp_url if servers else None
    if destination is None and servers:
        destination = servers.s3.destination(prefix=uuid.uuid4().hex)
    with running(root, amqp_url=amqp_url, destination=destination, processes=Forks()) as stack:
        stack.environment |= {f"SNAPLINE_{name.upper()}": value for name, value in settings.items()}
        line = Line(stack)
        line.install(megabytes)
        yield line


def killing_command(point: str, markers: Path) -> Callable[[str], list[str]]:
    """Workers that kill themselves once at every place of a kind (tests.support.killing)."""
    markers.mkdir(parents=True, exist_ok=True)
    return lambda queue: [sys.executable, "-m", "tests.support.killing", queue, point, str(markers)]


def _taken(publisher: broker.Publisher, event: e.AnyEvent) -> bool:
    try:
        publisher.publish(event)
    except TransientError:
        return False
    return True


def until(true: Callable[[], bool], what: str, seconds: float = 240) -> None:
    """Waits for something to be true."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain: {what}")
        time.sleep(0.1)


def queues(node: str = "node-a") -> list[str]:
    """Every queue of a one-node line whose worker is started unless nobody asks for it."""
    return [*(name for name in topology.QUEUES if name not in BESIDE), topology.volumes(node).name]
