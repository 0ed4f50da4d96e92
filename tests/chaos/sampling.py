"""What a soak looks at: memory, descriptors and threads of every process, the broker, the store and the cache."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from schemas import topology
from tests.chaos.flatness import Noise
from tests.chaos.stage import Stage

MIB = 2**20
NOISE: dict[str, Noise] = {
    "MiB of memory": Noise(0.1, 12),
    "descriptors": Noise(0.0, 4),
    "threads": Noise(0.0, 2),
    "connections": Noise(0.0, 2),
    "channels": Noise(0.0, 3),
    "queues": Noise(0.0, 0),
    "messages waiting": Noise(0.0, 20),
    "MiB in packs and index": Noise(0.4, 4),
    "MiB of cache": Noise(0.25, 4),
}
"""By figure. A process's memory has the interpreter's and the allocator's own ups and downs. What is stored swings by
two fifths: the applications' data does, and a pack goes when half of it is in use no more."""
REPORTED = ("MiB of records", "messages in the event log")
"""What grows by what is done, as it is kept: tombstones, and thirty days of events. Told, and not judged."""
HARNESS = "the harness"
"""This process: the emulated cluster, the proxies and the asking. Told, and not judged."""
_CONNECTIONS = "{length(rabbit_networking:connections()), length(rabbit_channel:list())}."

Sample = dict[str, float]
"""Figure by name: `<whose>: <what>`."""


def sample(stage: Stage) -> Sample:
    """All figures as they are now."""
    found: Sample = {}
    for name, pid in processes(stage).items():
        found |= {f"{name}: {what}": figure for what, figure in process(pid).items()}
    found |= {f"broker: {what}": figure for what, figure in broker(stage).items()}
    found |= {f"store: {what}": figure for what, figure in store(stage).items()}
    cached = sum(path.stat().st_size for path in (stage.stack.root / "cache").rglob("*") if path.is_file())
    return {**found, "cache: MiB of cache": cached / MIB}


def judged(name: str) -> Noise | None:
    """What noise a figure may have; None for one that is only told."""
    whose, _, what = name.partition(": ")
    return None if whose == HARNESS else NOISE.get(what)


def processes(stage: Stage) -> Mapping[str, int]:
    """All that run, by name."""
    servers = {"RabbitMQ": stage.server.pid}
    return {
        **stage.stack.supervisor.pids(),
        **{name: pid for name, pid in servers.items() if pid is not None},
        HARNESS: os.getpid(),
    }


def process(pid: int) -> Sample:
    """Memory, descriptors and threads of one (proc_pid_status(5)); nothing of one that has just ended."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        descriptors = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return {}
    fields = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
    if len(fields) < 2:
        return {}
    return {
        "MiB of memory": int(fields["VmRSS"]) / 1024,
        "descriptors": float(descriptors),
        "threads": float(fields["Threads"]),
    }


def broker(stage: Stage) -> Sample:
    """Connections, channels, queues, and the messages in them."""
    said = stage.server.control("eval", _CONNECTIONS)
    connections, channels = (float(number) for number in re.findall(r"\d+", said)[:2])
    queues = json.loads(stage.server.control("list_queues", "name", "messages", "--formatter", "json"))
    in_queues = {queue["name"]: float(queue["messages"] or 0) for queue in queues}
    log = in_queues.pop(topology.EVENT_LOG, 0.0)
    return {
        "connections": connections,
        "channels": channels,
        # Names that the broker makes up are those of consumers of cancellations, which come and go with connections.
        "queues": float(sum(not name.startswith("amq.gen") for name in in_queues)),
        "messages waiting": sum(in_queues.values()),
        "messages in the event log": log,
    }


def store(stage: Stage) -> Sample:
    """Bytes of the default destination."""
    packs = records = 0
    for found in stage.line.objects.list(""):
        if found.key.startswith(("repository/packs/", "repository/index/")):
            packs += found.size
        else:
            records += found.size
    return {"MiB in packs and index": packs / MIB, "MiB of records": records / MIB}
