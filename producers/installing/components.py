"""What runs: a worker for each queue, one on each node, and those that ask. What each takes, and whom it talks to."""

from dataclasses import dataclass

from schemas import topology
from schemas.services import ANY_NODE, CONSOLE, POST_EVENTS, SCHEDULER, UPGRADES

PROBES = 9808
"""The port of /live, /ready and /metrics."""
CONSOLE_PORT, EVENTS_PORT = 8800, 8088
SLICE_MIB = 256
"""What a process takes that copies or restores one volume: tests/repository/test_killed.py holds it to that, with
120,000 files and with large ones."""
ROOM_MIB = 128
"""Beside it, for what messages, the index's copy and the interpreter take."""


@dataclass(frozen=True)
class Component:
    """One Deployment, or the DaemonSet. `memory` in MiB is where it is killed; `port` is what it serves, 0 for nothing.
    `many` if more than one at a time help: of the others, one works and the rest wait."""

    name: str
    arguments: tuple[str, ...]
    memory: int = 384
    port: int = 0
    many: bool = False
    to_everybody: bool = False
    """Whether it talks to addresses that people choose, such as webhooks."""


def _worker(queue: topology.Queue) -> Component:
    return Component(
        queue.name,
        ("worker", queue.name),
        memory=_MEMORY.get(queue.name, 384),
        many=queue.threads > 1,
        to_everybody=queue.name == "notify",
    )


_MEMORY = {
    "manifest.capture": 768,  # all objects of a backup, as they are sealed
    "restore.prepare": 768,  # the same, and what is there now
    "restore.apply": 768,
    "repository.maintain": topology.QUEUES["repository.maintain"].threads * SLICE_MIB + ROOM_MIB,
}
NODE = Component(
    ANY_NODE,
    ("worker", f"{topology.NODE_QUEUE_PREFIX}$(NODE_NAME)"),
    memory=topology.volumes("").threads * SLICE_MIB + ROOM_MIB,
)
COMPONENTS: tuple[Component, ...] = (
    *(_worker(queue) for queue in topology.QUEUES.values()),
    Component(SCHEDULER, ("scheduler",)),
    Component(UPGRADES, ("watch-upgrades",)),
    Component(POST_EVENTS, ("serve-events", "--listen", f"0.0.0.0:{EVENTS_PORT}"), port=EVENTS_PORT, many=True),
    Component(
        CONSOLE,
        ("console", "--listen", f"0.0.0.0:{CONSOLE_PORT}"),
        port=CONSOLE_PORT,
        memory=768,
        many=True,
        to_everybody=True,
    ),
)
"""All but the workers of nodes."""
