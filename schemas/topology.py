"""Exchanges, queues, bindings and limits, as data.

Read by the workers, the producers, the deployment and the docs, so that they cannot disagree.
The same declarations work on RabbitMQ 3.10 and 4.x.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from schemas import events as e

EVENTS = "snapline.events"
"""Topic exchange: every event, routing key = event type (node-bound work adds `.<node>`). It is where to ask."""
TOLD = "snapline.told"
"""Topic exchange: what we tell, on its way to EVENTS and into the log. Nobody else may publish to it."""
CONTROL = "snapline.control"
"""Fanout exchange: cancel broadcasts."""
WORK = "snapline.work"
"""Topic exchange: internal retries and dead letters only; routing key = queue name."""
EVENT_LOG = "snapline.event-log"
"""Stream bound to TOLD with `#`: the replayable event log. Requests get into it, by WORK, when they are taken up, so
nothing that others publish can push out what is in it."""
EVENT_LOG_AGE = "30D"
EVENT_LOG_BYTES = 2_000_000_000
EVENT_LOG_SEGMENT_BYTES = 50_000_000
EVENT_LOG_ARGUMENTS: dict[str, str | int] = {
    "x-queue-type": "stream",
    "x-max-age": EVENT_LOG_AGE,
    "x-max-length-bytes": EVENT_LOG_BYTES,
    "x-stream-max-segment-size-bytes": EVENT_LOG_SEGMENT_BYTES,
}

DELAYS = tuple(timedelta(seconds=s) for s in (1, 5, 15, 60, 300, 900, 3600))
"""The TTL ladder: one queue per rung, without a consumer. A delay is rounded up to the next rung."""
DEAD_LETTER_AGE = timedelta(days=30)
DELIVERY_LIMIT = 10
"""Deliveries to workers that die or lose their connection, before a message becomes a dead letter."""
MOST_WAITING, MOST_WAITING_BYTES = 50_000, 256_000_000
"""What a step's queue holds. The broker refuses more, so that a flood stays with who sends it."""
MOST_UNREADABLE = 2_000
"""Dead letters of a queue that make its workers drop what they cannot read, and say so in their log. What a step gives
up always has a place."""
MOST_DELIVERIES = 100
"""The same where nobody has set the policies. RabbitMQ 3.10 would go on for ever."""
NEVER = 1_000_000
"""A delivery limit that is never reached: dead letters may be looked at often. 4.x would drop them after 20."""
CONSUMER_TIMEOUT = timedelta(minutes=30)
TIME_LIMIT = timedelta(minutes=25)
"""How long a step may take: less than CONSUMER_TIMEOUT, or the broker gives its message to somebody else meanwhile."""
PATIENCE = timedelta(days=1)
"""How long a message may fail with transient errors in a row before it is given up, unless it is set otherwise."""
HUNG_AFTER = 2 * TIME_LIMIT
"""A step that takes so long hangs where no time limit reaches it, as on a share that does not answer."""
NODE_QUEUE_PREFIX = "volumes."
DEAD_LETTERS = ".XQ"
"""What the name of a queue of dead letters ends with."""


@dataclass(frozen=True)
class Queue:
    """One step's queue. `hears` are the event types bound to it; `node` is set on node queues."""

    name: str
    hears: tuple[type[e.Event], ...]
    threads: int = 2
    time_limit: timedelta = TIME_LIMIT
    node: str | None = None

    @property
    def dead_letters(self) -> str:
        """Where this queue's dead letters lie."""
        return self.name + DEAD_LETTERS

    @property
    def binding_keys(self) -> tuple[str, ...]:
        """Keys bound on EVENTS. Every version is bound, so that an unknown one is parked, not lost."""
        suffix = f"*.{self.node}" if self.node else "*"
        return tuple(f"{kind.type.rpartition('.')[0]}.{suffix}" for kind in self.hears)

    def delay(self, rung: timedelta) -> str:
        """The name of the queue that holds messages for `rung`."""
        return f"{self.name}.delay.{milliseconds(rung)}"


def volumes(node: str) -> Queue:
    """The queue of one node's volume worker. The broker gives its messages to one worker only, as two would write over
    the same files; another one takes over when that is gone."""
    return Queue(
        name=NODE_QUEUE_PREFIX + node,
        hears=(e.VolumesCopyRequested, e.VolumesRestoreRequested),
        threads=2,
        node=node,
    )


BACKUP_ENDS = tuple(kind for kind in e.FINAL if issubclass(kind, e.BackupFinal))
RESTORE_ENDS = tuple(kind for kind in e.FINAL if issubclass(kind, e.RestoreFinal))

QUEUES: dict[str, Queue] = {
    q.name: q
    for q in (
        Queue("license.gate", (e.BackupRequested, e.RestoreRequested, e.BackupTestRestoreRequested)),
        Queue("manifest.capture", (e.BackupLicensed,)),
        Queue("backup.finalize", (e.BackupPlanned, e.VolumesCopied, e.VolumesCopyFailed, e.BackupFailed)),
        Queue("restore.prepare", (e.RestoreLicensed, e.RestoreUndeployRequested, *BACKUP_ENDS)),
        Queue("restore.apply", (e.RestorePrepared, e.VolumesMountRequested, e.VolumesRestored, e.VolumesRestoreFailed)),
        Queue("restore.finalize", (e.RestoreApplied, *RESTORE_ENDS)),
        # One thread, so that news told twice at once is delivered once.
        Queue("notify", (*e.NEWS, *e.BEGINNINGS, e.TickMinute), threads=1),
        Queue(
            "repository.maintain",
            (e.BackupDeleteRequested, e.RepositoryPruneRequested, e.BackupVerifyRequested, e.BackupCopyRequested),
        ),
        Queue("watchdog", (e.TickMinute,), threads=1),  # so that one tick after the other looks at the jobs
        Queue("retention", (e.TickMinute,), threads=1),
        Queue("alarms", (e.TickMinute,), threads=1),
    )
}
"""The queues of the line, but for the node queues."""


@dataclass(frozen=True)
class Policy:
    """Limits for all queues whose names match `pattern`, also those that are there. The highest `priority` counts."""

    name: str
    pattern: str
    limits: dict[str, int]
    priority: int = 0


def policies() -> list[Policy]:
    """The limits that may change. What can never change in a queue that is there is an argument of its declaration."""
    steps = "|".join([*(re.escape(name) for name in QUEUES), re.escape(NODE_QUEUE_PREFIX) + ".+"])
    return [
        Policy(
            "snapline.steps",
            f"^({steps})$",
            {
                "delivery-limit": DELIVERY_LIMIT,
                "max-length": MOST_WAITING,
                "max-length-bytes": MOST_WAITING_BYTES,
            },
        ),
        Policy(
            "snapline.dead-letters",
            f"^({steps}){re.escape(DEAD_LETTERS)}$",
            {"message-ttl": milliseconds(DEAD_LETTER_AGE)},
            1,
        ),
    ]


def milliseconds(length: timedelta) -> int:
    """As RabbitMQ counts time."""
    return int(length.total_seconds() * 1000)


def queue(name: str) -> Queue:
    """The queue called `name`, a node queue included. Raises KeyError."""
    if name in QUEUES:
        return QUEUES[name]
    if name.startswith(NODE_QUEUE_PREFIX) and len(name) > len(NODE_QUEUE_PREFIX):
        return volumes(name.removeprefix(NODE_QUEUE_PREFIX))
    raise KeyError(f"there is no queue {name!r:.80}; the queues are {', '.join(QUEUES)} and {NODE_QUEUE_PREFIX}<node>")


def owner(name: str) -> Queue:
    """The queue that is called `name`, or whose dead letters are. Raises KeyError."""
    return queue(name.removesuffix(DEAD_LETTERS))


def routing_key(event: e.Event) -> str:
    """The routing key on EVENTS: the type, and for node-bound work the node."""
    node = getattr(event, "node", None)
    return f"{event.type}.{node}" if node else event.type


def exchange(event: e.Event) -> str:
    """The exchange to which the event is published."""
    return EVENTS if event.type in e.REQUESTS else TOLD


def is_heard(event: e.Event) -> bool:
    """Whether a queue is there for it, and not only the event log."""
    return bool(hearing(event))


def hearing(event: e.Event) -> list[Queue]:
    """The queues that hear the event."""
    node = getattr(event, "node", None)
    queues = [*QUEUES.values(), *([volumes(node)] if node else [])]
    return [each for each in queues if isinstance(event, each.hears)]


def carrying_on(event: e.Event) -> list[Queue]:
    """The queues whose steps carry on what the event is about; who is merely told of it is not among them."""
    return [each for each in hearing(event) if each.name != "notify"]


def rest(attempt: int) -> timedelta:
    """How long a message rests after it has failed for the `attempt`-th time."""
    return DELAYS[min(attempt, len(DELAYS)) - 1]


def rung(delay: timedelta) -> timedelta:
    """The shortest rung of the ladder that is not shorter than `delay` (the longest, if none is)."""
    return next((step for step in DELAYS if step >= delay), DELAYS[-1])
