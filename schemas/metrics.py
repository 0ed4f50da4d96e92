"""Every metric there is, as data: who counts, the alert rules, the dashboard and docs/metrics.md cannot disagree.

Names follow https://prometheus.io/docs/practices/naming/: base units, counters end with `_total`. No label has a value
that grows with use: no names of jobs, no paths, nothing that strangers choose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Source = Literal["worker", "node", "scheduler", "console", "alarms", "all"]
"""Which processes have it: workers of queues, those of nodes alone, scheduler, console, the worker of `alarms`."""

STEP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0, 300.0, 600.0, 1500.0)
"""From the shortest step to what one may take at most."""
WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
REQUEST_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Metric:
    """One metric: its name, what it says, and the names of its labels. `buckets` are those of a histogram."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    source: Source
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """The value of a gauge now, for its labels in the metric's order."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


def _counter(name: str, source: Source, help: str, *labels: str) -> Metric:
    return Metric(f"snapline_{name}_total", "counter", source, help, labels)


def _gauge(name: str, source: Source, help: str, *labels: str) -> Metric:
    return Metric(f"snapline_{name}", "gauge", source, help, labels)


def _histogram(name: str, source: Source, help: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(f"snapline_{name}_seconds", "histogram", source, help, labels, buckets)


# the line

MESSAGES = _counter(
    "messages",
    "worker",
    "Deliveries by what became of them: `done`, `waiting` (no failure), `retry`, `failed` (given up, and told), "
    "`parked`. `event` is the type of the event, empty for what was none.",
    "queue",
    "event",
    "outcome",
)
MESSAGE_SECONDS = _histogram(
    "message_handling",
    "worker",
    "How long a step took for one delivery, whatever came of it.",
    STEP_SECONDS,
    "queue",
    "event",
)
MESSAGE_WAIT = _histogram(
    "message_waiting",
    "worker",
    "How long a message lay in the queue before its first delivery, by the time that its publisher gave it.",
    WAIT_SECONDS,
    "queue",
)
IN_FLIGHT = _gauge("messages_in_flight", "worker", "Deliveries that a step works on now.", "queue")
DROPPED = _counter(
    "messages_dropped", "worker", "Unreadable messages that were dropped, since too many dead letters wait.", "queue"
)
CONNECTED = _gauge("worker_connected", "worker", "1 while the worker has a connection to its queue, else 0.", "queue")
HUNG = _gauge("worker_hung_threads", "worker", "Threads that have been in one step for far too long.", "queue")
TOLD = _counter("events_told", "worker", "Events that were published, by type.", "event")
NOT_TOLD = _counter("publish_failures", "worker", "Times that the broker did not take an event, by type.", "event")
PUBLISH_SECONDS = _histogram("publish", "worker", "How long the broker took to confirm an event.", REQUEST_SECONDS)
JOBS_ENDED = _counter(
    "jobs_ended",
    "worker",
    "Ends of jobs that were told: `kind` is `backup` or `restore`. One that another process tells again counts again.",
    "kind",
    "status",
)
COPIED_BYTES = _counter("volume_scanned_bytes", "node", "Bytes of volumes whose copy has ended: all that they hold.")
CHANGED_BYTES = _counter("volume_changed_bytes", "node", "Bytes of them that were read, since they had changed.")
UPLOADED_BYTES = _counter(
    "volume_uploaded_bytes", "node", "Bytes that were stored for them, after deduplication and compression."
)
COPIED_FILES = _counter("volume_files", "node", "Files of volumes whose copy has ended.")
RESTORED_BYTES = _counter("volume_restored_bytes", "node", "Bytes that were written back into volumes.")
RESTORED_FILES = _counter("volume_restored_files", "node", "Files that were written back into volumes.")

# the world

STORE_REQUESTS = _counter(
    "store_requests",
    "all",
    "Requests to object stores: `get`, `put`, `create`, `delete`; a `list` or `names` counts once, however long it is.",
    "destination",
    "operation",
)
STORE_ERRORS = _counter(
    "store_errors",
    "all",
    "Those that failed, by the code of the error. That something is not there is an answer, and no error.",
    "destination",
    "operation",
    "error",
)
STORE_SECONDS = _histogram(
    "store_request", "all", "How long they took, retries included.", REQUEST_SECONDS, "operation"
)
STORE_READ = _counter("store_read_bytes", "all", "Bytes read from object stores.", "destination")
STORE_WRITTEN = _counter("store_written_bytes", "all", "Bytes written to object stores.", "destination")
API_REQUESTS = _counter(
    "apiserver_requests",
    "all",
    "Requests to the Kubernetes API server, by HTTP method and status; `code` is `none` where there was no answer.",
    "method",
    "code",
)
API_SECONDS = _histogram("apiserver_request", "all", "How long they took.", REQUEST_SECONDS, "method")
CLOCK_SKEW = _gauge(
    "clock_skew_seconds",
    "all",
    "By how much this process's clock is ahead of the object store's. Absent until the store has said its time.",
)

# producers

LAST_TICK = _gauge(
    "scheduler_last_tick_timestamp_seconds",
    "scheduler",
    "When the broker last took a minute's tick from this scheduler.",
)
RUNS_REQUESTED = _counter("scheduler_runs_requested", "scheduler", "Runs of schedules that were asked for.", "does")
LOG_READABLE = _gauge(
    "event_log_readable", "console", "1 while the console hears the event log, else 0; absent until a page wants it."
)
LOG_LAG = _gauge(
    "event_log_lag_seconds",
    "console",
    "How long after it was told the newest event of the event log reached the console.",
)

# the fleet: what is true of all applications and destinations. Those whose source could not be read are absent.

FLEET_OK = _gauge(
    "fleet_scrape_ok",
    "alarms",
    "1 if all of this part of the fleet could be read at the last look, else 0; what could not is absent.",
    "part",
)
FLEET_AT = _gauge("fleet_scrape_timestamp_seconds", "alarms", "When the last look at the fleet ended.")
FLEET_SECONDS = _gauge("fleet_scrape_duration_seconds", "alarms", "How long that look took.")
BROKER_UP = _gauge("broker_up", "alarms", "1 if the broker could be asked about its queues, else 0.")
QUEUE_MESSAGES = _gauge(
    "queue_messages",
    "alarms",
    "Messages that wait for a worker. Of nodes' queues, those of trusted users.",
    "queue",
)
QUEUE_CONSUMERS = _gauge("queue_consumers", "alarms", "Workers of the queue.", "queue")
DEAD_LETTERS = _gauge(
    "dead_letters", "alarms", "Messages that were parked, and wait for somebody to look at them.", "queue"
)
LAST_GOOD = _gauge(
    "last_successful_backup_timestamp_seconds",
    "alarms",
    "When the newest backup was asked for that has all of the application. Absent where there is none.",
    "app",
    "destination",
)
LAST_STATUS = _gauge(
    "last_backup_status",
    "alarms",
    "1 for how the newest backup of the application ended, 0 for the other ways.",
    "app",
    "destination",
    "status",
)
LAST_BYTES = _gauge(
    "last_backup_scanned_bytes",
    "alarms",
    "Bytes of all volumes in the newest backup; `app` is empty for a full one.",
    "app",
    "destination",
)
LAST_CHANGED = _gauge("last_backup_changed_bytes", "alarms", "Bytes of them that were read.", "app", "destination")
LAST_STORED = _gauge("last_backup_stored_bytes", "alarms", "Bytes that were stored for it.", "app", "destination")
LAST_FILES = _gauge("last_backup_files", "alarms", "Files in it.", "app", "destination")
LAST_OBJECTS = _gauge("last_backup_objects", "alarms", "Kubernetes objects in it.", "app", "destination")
LAST_SECONDS = _gauge("last_backup_duration_seconds", "alarms", "From its request to its end.", "app", "destination")
LAST_DEDUPLICATION = _gauge(
    "last_backup_deduplication_ratio",
    "alarms",
    "Which part of its bytes was not stored anew, as it was there, or compressed: 0 to 1. Absent without volumes.",
    "app",
    "destination",
)
BACKUPS = _gauge("backups", "alarms", "Finished backups.", "destination")
SUSPICIOUS = _gauge(
    "suspicious_backups", "alarms", "Backups among them in which a volume has changed as never before.", "destination"
)
DAMAGED = _gauge(
    "damaged_backups",
    "alarms",
    "Backups among them in which a verification has found damage that stands.",
    "destination",
)
LAST_VERIFIED = _gauge(
    "last_verified_timestamp_seconds",
    "alarms",
    "When a backup in the destination was last verified. Absent if none was.",
    "destination",
)
OBJECTIVE = _gauge(
    "backup_objective_seconds",
    "alarms",
    "How old the last good backup of the application may be, where somebody has said so.",
    "app",
)
SCHEDULE_INTERVAL = _gauge(
    "schedule_interval_seconds",
    "alarms",
    "The longest time between two of the next runs of a schedule, for each application that it concerns. `does` is "
    "what it asks for.",
    "schedule",
    "app",
    "does",
)
APPLICATIONS = _gauge("applications", "alarms", "Registered applications.")
LICENSE_ENDS = _gauge("license_expiry_timestamp_seconds", "alarms", "When the license of the application ends.", "app")
RUNNING = _gauge("running_jobs", "alarms", "Jobs that have not ended.", "destination", "kind")
DESTINATION_OK = _gauge(
    "destination_ok", "alarms", "1 if the destination could be written and listed, else 0.", "destination"
)
DESTINATION_FREE = _gauge(
    "destination_free_bytes", "alarms", "Room that is left, where the destination can say.", "destination"
)
DESTINATION_SIZE = _gauge(
    "destination_size_bytes", "alarms", "Room that it has in all, where it can say.", "destination"
)

STATUSES = ("Completed", "PartiallyFailed", "Failed", "Cancelled")
OUTCOMES = ("done", "waiting", "retry", "failed", "parked")


def metrics() -> Iterator[Metric]:
    """All of them, in the order of this file."""
    yield from (value for value in globals().values() if isinstance(value, Metric))


def series(metric: Metric) -> tuple[str, ...]:
    """The names under which Prometheus has it."""
    if metric.kind == "histogram":
        return tuple(f"{metric.name}{end}" for end in ("_bucket", "_count", "_sum"))
    return (metric.name,)
