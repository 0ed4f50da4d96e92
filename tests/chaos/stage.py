"""The system that a campaign torments: real broker, store and processes, and ways to them that can be spoilt."""

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from deploy.local import rabbitmq, seaweedfs
from deploy.local.ports import free_ports
from deploy.local.stack import Stack, running
from producers.actions.objects import apply
from schemas import destination as destinations
from schemas.destination import DirectoryDestination
from schemas.kubernetes import SECRETS
from tests.chaos import worker
from tests.chaos.store_proxy import MoodyProxy
from tests.support.away import Way, way_to
from tests.support.forks import Forks
from tests.support.line import CONSOLE, Line

NAS = "nas"
SETTINGS = {
    "SNAPLINE_SLICE_SECONDS": "0.5",
    "SNAPLINE_STALL_AFTER_SECONDS": "5",
    "SNAPLINE_UNDEPLOY_TIMEOUT_SECONDS": "300",
    "SNAPLINE_READY_TIMEOUT_SECONDS": "120",
}


@dataclass(frozen=True)
class Stage:
    """`line` sees the servers as they are, workers by `proxy` and `way`. `probes` has each worker's probe address."""

    line: Line
    server: rabbitmq.RabbitMQ
    proxy: MoodyProxy
    way: Way
    nodes: tuple[str, ...]
    probes: dict[str, str]
    pack_grace: float

    @property
    def stack(self) -> Stack:
        """The line's."""
        return self.line.stack

    def well(self, name: str) -> str:
        """What is wrong with a worker, by its own word; empty if it serves with all its threads."""
        try:
            with urllib.request.urlopen(f"http://{self.probes[name]}/ready", timeout=30):  # our own
                return ""
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError as error:
            return f"does not answer: {error}"

    def sick(self) -> dict[str, str]:
        """The workers that are not well, and why."""
        return {name: state for name in self.probes if (state := self.well(name))}


@contextmanager
def staged(
    root: Path,
    *,
    seed: int,
    nodes: tuple[str, ...],
    megabytes: int,
    pack_grace: float,
    beside: tuple[str, ...] = (),
) -> Iterator[Stage]:
    """All of it, with the sample applications installed and workers started, also those that no job passes if they are
    named `beside`; a second destination is called `nas`."""
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        server = ending.enter_context(rabbitmq.start(root / "rabbitmq"))
        s3 = ending.enter_context(seaweedfs.start(root / "seaweedfs"))
        proxy = MoodyProxy(s3.endpoint, seed)
        ending.enter_context(proxy.serving())
        direct = s3.destination(prefix="campaign")
        behind = direct.model_copy(update={"endpoint": proxy.endpoint})
        stack = ending.enter_context(
            running(root / "line", nodes=nodes, amqp_url=server.url, destination=behind, processes=Forks())
        )
        kubeconfig = root / "line" / "by-the-way"
        way = ending.enter_context(way_to(Path(stack.environment["SNAPLINE_KUBECONFIG"]), kubeconfig))
        line = Line(stack)
        line.install(megabytes)
        stack.destination = direct
        (root / NAS).mkdir()
        nas = DirectoryDestination(name=NAS, path=str(root / NAS), passphrase=SecretStr("of the nas"))
        apply(line.cluster, SECRETS, destinations.to_secret(nas, CONSOLE))
        probes = _start_workers(stack, kubeconfig, pack_grace, beside)
        yield Stage(line, server, proxy, way, nodes, probes, pack_grace)


def _start_workers(stack: Stack, kubeconfig: Path, pack_grace: float, beside: tuple[str, ...]) -> dict[str, str]:
    names = stack.queues(beside)
    probes = {name: f"127.0.0.1:{port}" for name, port in zip(names, free_ports(len(names)), strict=True)}
    own = {name: {"SNAPLINE_PROBE_ADDRESS": address} for name, address in probes.items()}
    settings = {**SETTINGS, "SNAPLINE_KUBECONFIG": str(kubeconfig)}
    stack.start_workers(worker.command(pack_grace), settings, own, beside)
    return probes


def churn(line: Line, number: int) -> None:
    """The applications' data of the generation `number`: some files are new, some changed, some gone."""
    for index, (_, directory) in enumerate(line.volume_directories()):
        made = random.Random(f"{number} {index}")
        (directory / "generation").write_text(json.dumps({"generation": number}))
        files = sorted(path for path in directory.rglob("part-*.dat") if path.is_file())
        for path in made.sample(files, min(4, len(files))):
            path.write_bytes(made.randbytes(made.randrange(1, 40_000)))
        (directory / f"part-of-{number:05d}.dat").write_bytes(made.randbytes(made.randrange(1, 200_000)))
        if len(files) > 30:
            files[0].unlink()
