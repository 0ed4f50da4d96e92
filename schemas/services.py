"""The services of the line, each with an account of its own on the broker, and what each tells.

A service is called as its queue, or as it is in `PRODUCERS`. Who is believed when an event comes from inside is
decided by this table, as is what an account may publish: nobody but `restore.apply` and the node's own worker has a
volume written, for one.
"""

from schemas import events as e
from schemas import topology

SCHEDULER = "scheduler"
POST_EVENTS = "post.events"
"""Takes requests over HTTP."""
UPGRADES = "upgrades"
"""Asks for a backup before an upgrade."""
CONSOLE = "console"
"""Acts for people: it gives dead letters back, so it is believed everything, as an administrator."""
ANY_NODE = "volumes"
"""The workers of all nodes, where they share one account: nodes that come later need none of their own."""
PRODUCERS = frozenset({SCHEDULER, POST_EVENTS, UPGRADES, CONSOLE})
"""Those that serve no queue."""
_NEXT: tuple[type[e.Event], ...] = (
    e.BackupLicensed,
    e.BackupPlanned,
    e.VolumesCopyRequested,
    e.RestoreLicensed,
    e.RestorePlanned,
    e.RestoreUndeployRequested,
    e.RestorePrepared,
    e.RestoreApplied,
)
"""What is missing of a job that stands still, or is asked for again."""
_VOLUMES: tuple[type[e.Event], ...] = (
    e.VolumesCopyRequested,
    e.VolumesRestoreRequested,
    e.VolumesProgressed,
    e.VolumesCopied,
    e.VolumesCopyFailed,
    e.VolumesRestored,
    e.VolumesRestoreFailed,
    *e.FINAL,
)
TELLS: dict[str, tuple[type[e.Event], ...]] = {
    "license.gate": (e.BackupRejected, e.RestoreRejected, *_NEXT, *e.FINAL),
    "manifest.capture": (e.BackupQueued, e.VolumesCopyRequested, e.BackupPlanned, *topology.BACKUP_ENDS),
    "backup.finalize": (e.BackupSuspicious, e.BackupCopyRequested, *topology.BACKUP_ENDS),
    "restore.prepare": (e.RestoreQueued, e.VolumesRestored, e.VolumesRestoreFailed, *_NEXT, *topology.RESTORE_ENDS),
    "restore.apply": (
        e.VolumesMountRequested,
        e.VolumesRestoreRequested,
        e.VolumesRestored,
        e.VolumesRestoreFailed,
        e.RestoreApplied,
        *topology.RESTORE_ENDS,
    ),
    "restore.finalize": (*topology.RESTORE_ENDS, e.BackupTestRestored, e.BackupTestRestoreFailed),
    "notify": (e.NotificationDelivered, e.NotificationFailed),
    "repository.maintain": (
        e.BackupCopied,
        e.BackupCopyFailed,
        e.BackupDeleted,
        e.BackupDeleteFailed,
        e.BackupVerified,
        e.BackupVerificationFailed,
        e.RepositoryPruned,
        e.RepositoryPruneFailed,
        e.UpkeepProgressed,
    ),
    "watchdog": (e.BackupStalled, e.RestoreStalled, e.BackupCopyRequested, *_NEXT, *e.FINAL),
    "retention": (e.BackupDeleteRequested,),
    "alarms": e.ALARMS,
    SCHEDULER: (e.BackupRequested, e.BackupVerifyRequested, e.BackupTestRestoreRequested, e.TickMinute),
    UPGRADES: (e.BackupRequested,),
    POST_EVENTS: tuple(e.KINDS[name] for name in sorted(e.REQUESTS)),
    CONSOLE: (*(e.KINDS[name] for name in sorted(e.REQUESTS)), *e.AUDIT),
}
"""Without the node workers, which all tell the same."""


def services(nodes: tuple[str, ...] = (), *, any_node: bool = False) -> list[str]:
    """All that there are, with a worker for each of `nodes`, and one for all if `any_node`."""
    return [*TELLS, *(topology.volumes(node).name for node in nodes), *([ANY_NODE] if any_node else [])]


def tells(service: str) -> tuple[type[e.Event], ...]:
    """The events that the service may tell. Raises KeyError."""
    if service in TELLS:
        return TELLS[service]
    if service == ANY_NODE or topology.queue(service).node:
        return _VOLUMES
    raise KeyError(f"there is no service {service!r}")


def serves(service: str, queue: str) -> bool:
    """Whether that queue is the service's own."""
    return service == queue or (service == ANY_NODE and queue.startswith(topology.NODE_QUEUE_PREFIX))


def trusted_users(nodes: tuple[str, ...] = (), *, any_node: bool = False) -> str:
    """SNAPLINE_TRUSTED_USERS where each service has a user that is called like it."""
    named = services(nodes, any_node=any_node)
    return ",".join(service if service == CONSOLE else f"{service}={service}" for service in named)
