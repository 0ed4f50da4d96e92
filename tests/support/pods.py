"""Snapline as pods of a real cluster: the image made of what this machine has, all of it installed by one command from
`deploy/`, with RabbitMQ and an S3 server on this machine, at the address at which the nodes see it."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy import accounts
from deploy.local import rabbitmq, seaweedfs
from deploy.local.license_authority import Authority, create_authority
from deploy.local.ports import free_ports, is_free
from deploy.local.processes import Supervisor
from deploy.local.stack import Stack
from producers.installing.objects import COMPONENT, dashed
from producers.installing.options import Options
from producers.installing.pods import LICENSE_KEYS, SETTINGS
from schemas.kubernetes import PODS, Object
from schemas.services import ANY_NODE, CONSOLE, trusted_users
from tests.support.kubectl import command, kubectl
from tests.support.pod_images import bring_snapline
from workers.adapters.cluster import connect

DEPLOY = Path(__file__).parents[2] / "deploy"
OVERLAY = "external-rabbitmq"
PATIENCE = 600
READY = f"{PATIENCE}s"
"""How long everything may take to start: twenty interpreters on two cores."""
UNDEPLOY_SECONDS = 90
"""How long a restore waits for what it deletes. A kubelet may take a minute to let go of a pod."""
PASSWORD = re.compile(r"log in as admin with the password (\S+),")
PLACES = Options()


@dataclass
class Installation:
    """Servers, an image that every node has, and what is applied. `remove` takes all of it out of the cluster."""

    root: Path
    broker: rabbitmq.RabbitMQ
    s3: seaweedfs.SeaweedFS
    image: str
    authority: Authority
    passphrase: str

    def apply(self) -> None:
        """The one command: everything that is missing is there afterwards, if not yet ready."""
        kubectl("apply", "-k", str(self.root / "deploy" / "ours"))

    def write(self) -> None:
        """A copy of `deploy/` with what is chosen here: the accounts on the broker, and `ours` beside the overlays."""
        there = self.root / "deploy"
        for folder in {file.relative_to(DEPLOY).parts[0] for file in DEPLOY.glob("**/kustomization.yaml")}:
            shutil.copytree(DEPLOY / folder, there / folder)
        accounts_on(self.broker, there / "overlays" / OVERLAY / "accounts")
        name, _, tag = self.image.partition(":")
        kustomization = {
            "bases": [f"../overlays/{OVERLAY}"],
            "resources": ["ours.yaml"],
            "images": [{"name": "snapline", "newName": name, "newTag": tag}],
        }
        (ours := there / "ours").mkdir()
        (ours / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        (ours / "ours.yaml").write_text(yaml.safe_dump_all(self._ours()))

    def await_ready(self) -> None:
        """Every Deployment and the DaemonSet."""
        waiting = ("wait", "--for=condition=Available", "deployment", "--all", f"--timeout={READY}")
        kubectl("-n", PLACES.namespace, *waiting)
        kubectl("-n", PLACES.nodes_namespace, "rollout", "status", f"daemonset/{ANY_NODE}", f"--timeout={READY}")

    def remove(self, *, wait: bool = True) -> None:
        """All that was applied, the console's namespace included."""
        how = ("--ignore-not-found", f"--wait={str(wait).lower()}", f"--timeout={READY}")
        kubectl("delete", "-k", str(self.root / "deploy" / "ours"), *how)

    def console(self) -> str:
        """Starts the console anew, where nobody has signed in yet: the password that it prints."""
        name = f"deployment/{dashed(CONSOLE)}"
        kubectl("-n", PLACES.namespace, "rollout", "restart", name)
        kubectl("-n", PLACES.namespace, "rollout", "status", name, f"--timeout={READY}")
        found = PASSWORD.search(log_of(CONSOLE))
        assert found, "the console has printed no password"
        return found[1]

    @property
    def secrets(self) -> str:
        """What who sets the destination is asked for."""
        return f"{self.s3.secret_access_key}\n{self.passphrase}\n"

    def set_destination(self, *named: str) -> None:
        """Says where backups go, as a person does who has the bucket's keys and the passphrase."""
        s3 = self.s3
        place = ("--bucket", s3.bucket, "--endpoint", s3.endpoint, "--access-key-id", s3.access_key_id)
        self.afar("set", "destination", "other-s3", *place, *named, given=self.secrets)

    def afar(self, *arguments: str, given: str = "") -> Any:
        """The JSON of a command in the console's pod, for who reaches nothing but the cluster."""
        there = ("-n", PLACES.namespace, "exec", "-i", f"deployment/{dashed(CONSOLE)}", "--")
        said = kubectl(*there, "snapline", *arguments, "-o", "json", given=given)
        return json.loads(said) if said.strip() else None

    def _ours(self) -> Iterator[Object]:
        """Whom the workers trust, and whose licenses hold."""
        told = {
            "SNAPLINE_TRUSTED_USERS": f"snapline,{trusted_users(any_node=True)}",
            "SNAPLINE_UNDEPLOY_TIMEOUT_SECONDS": str(UNDEPLOY_SECONDS),
        }
        for place in (PLACES.namespace, PLACES.nodes_namespace):
            yield _made("Secret", SETTINGS, place, told)
        keys = {name: pem.decode() for name, pem in self.authority.trusted_files.items()}
        yield _made("ConfigMap", LICENSE_KEYS, PLACES.namespace, keys)


@contextmanager
def installed(root: Path) -> Iterator[Installation]:
    """Everything is there, if not yet ready; afterwards, nothing of it is."""
    address = own_address()
    with (
        rabbitmq.start(root / "rabbitmq", address=address) as broker,
        seaweedfs.start(root / "seaweedfs", address=address) as s3,
    ):
        made = Installation(root, broker, s3, bring_snapline(root), create_authority(), os.urandom(16).hex())
        made.write()
        made.remove()  # what an earlier run has left
        made.apply()
        try:
            yield made
        finally:
            made.remove(wait=False)


def own_address() -> str:
    """At which the nodes reach this machine: that of the way to one of them."""
    cluster = json.loads(kubectl("get", "nodes", "-o", "json"))
    [node, *_] = [at["address"] for at in cluster["items"][0]["status"]["addresses"] if at["type"] == "InternalIP"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((node, 9))
        return str(way.getsockname()[0])


@contextmanager
def forwarded_console() -> Iterator[str]:
    """Its address on this machine, as people have it without an Ingress: without TLS, browsers trust no other."""
    [port] = free_ports(1)
    asked = [*command(), "-n", PLACES.namespace, "port-forward", _pod_of(CONSOLE), f"{port}:http"]
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL) as running:
        try:
            deadline = time.monotonic() + PATIENCE
            while is_free(port):
                assert running.poll() is None, f"{asked} has ended"
                assert time.monotonic() < deadline, f"{asked} does not listen"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


def log_of(component: str) -> str:
    """What the component's pod has said."""
    return kubectl("-n", PLACES.namespace, "logs", _pod_of(component))


def _pod_of(component: str) -> str:
    """The pod that is there to stay: kubectl also takes one that goes, if it is asked for a Deployment or Service."""
    found = json.loads(kubectl("-n", PLACES.namespace, "get", "pods", "-l", f"{COMPONENT}={component}", "-o", "json"))
    [name, *_] = [pod["metadata"]["name"] for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
    return str(name)


class PodKiller(Supervisor):
    """Beside the pods, a supervisor of nothing; it finds their processes, which are this machine's."""

    def kill(self, name: str, number: int = signal.SIGKILL) -> bool:
        """Sends a signal to the program of the worker on a node, `volumes.<node>`."""
        node = name.partition(".")[2]
        cluster = connect(Path(os.environ["SNAPLINE_E2E_KUBECONFIG"]))
        [pod] = [pod for pod in cluster.list(PODS, PLACES.nodes_namespace) if pod["spec"]["nodeName"] == node]
        container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        for process in _processes_of(container):
            os.kill(process, number)
        return True


def _processes_of(container: str) -> list[int]:
    found = [path for path in Path("/proc").glob("[0-9]*/cgroup") if container in _text(path)]
    assert found, f"no process of container {container} on this machine"
    return [int(path.parent.name) for path in found]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@dataclass
class PodStack(Stack):
    """A stack whose workers are pods: they run before, and go on after it."""

    installation: Installation | None = None

    def log(self, name: str) -> str:
        """What the pod of a component has said."""
        return log_of(name)

    def start_workers(self, *arguments: Any, **settings: Any) -> None:
        """They have the destination, and the rights that went with the console's namespace."""
        assert self.installation
        self.installation.apply()
        self.installation.await_ready()
        self.installation.set_destination()


def stack_on(installation: Installation, root: Path, kubelet_pods: Mapping[str, Path]) -> PodStack:
    """What people have on their machine: the broker's address and a kubeconfig."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SNAPLINE_")}
    root.mkdir(parents=True, exist_ok=True)
    return PodStack(
        root=root,
        environment={
            **ours,
            "SNAPLINE_AMQP_URL": installation.broker.url,
            "SNAPLINE_KUBECONFIG": os.environ["SNAPLINE_E2E_KUBECONFIG"],
            "SNAPLINE_PASSPHRASE": installation.passphrase,
            "SNAPLINE_CACHE": str(root / "cache"),
        },
        supervisor=PodKiller(root / "log"),
        broker=installation.broker,
        destination=installation.s3.destination(),
        emulated=None,
        kubelet_pods=kubelet_pods,
        authority=installation.authority,
        installation=installation,
    )


def accounts_on(broker: rabbitmq.RabbitMQ, folder: Path) -> None:
    """One for each service, with its file in the folder, and all that is to be on the broker."""
    wanted = accounts.write(folder, (), any_node=True, broker=f"{broker.address}:{broker.port}")
    broker.control("import_definitions", str(wanted))


def _made(kind: str, name: str, namespace: str, texts: Mapping[str, str]) -> Object:
    if kind == "Secret":
        texts = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "data": dict(texts)}
